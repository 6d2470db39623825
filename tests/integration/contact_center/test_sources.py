"""Sources and their secrets: made and changed once, never without a trace."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import Engine, event

from otklik_common.pseudonym import Sealer
from otklik_contact_center.actions.sources import SourceBook
from otklik_contact_center.domain.source import ROTATION, default_source
from tests.integration.contact_center.conftest import MASTER, World, now
from tests.integration.contact_center.test_pushes import an_event, make_source, signed

SOURCES = "/contact-center/v1/sources"
ONCE = {"Idempotency-Key": "once"}


async def post(client: AsyncClient, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
    answer = await client.post(f"{SOURCES}{path}", json=body, headers=headers)
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def is_good(client: AsyncClient, hook: str, secret: str) -> bool:
    body = json.dumps(an_event("e1", at="2026-03-02T09:00:00Z")).encode()
    headers = {"Authorization": "", **signed(secret, body)}
    return (await client.post(hook, content=body, headers=headers)).status_code == 202


@pytest.mark.asyncio
async def test_a_repeated_request_makes_one_source_and_shows_its_secret_once(
    client: AsyncClient, world: World
) -> None:
    first = await post(client, "", {"name": "АТС"}, **ONCE)
    again = await post(client, "", {"name": "АТС"}, **ONCE)
    assert again == first | {"secret": None}
    assert first["secret"].startswith("whsec_")
    assert await world.count("source") == 1
    kept = await world.admin.fetchval(
        "SELECT body FROM contact_center.idempotency WHERE tenant = $1", world.tenant
    )
    assert first["secret"].encode() not in kept


@pytest.mark.asyncio
async def test_all_pushes_at_once_wait_for_one_reading(world: World) -> None:
    book = SourceBook(world.api, Sealer(MASTER))
    wanted = default_source(world.tenant, now()).id
    await book.get(world.tenant, wanted, now())
    book.forget(world.tenant)
    seen: list[object] = []
    note = seen.append
    event.listen(Engine, "begin", note)
    try:
        found = await asyncio.gather(
            *(book.get(world.tenant, wanted, now()) for _ in range(50)),
        )
        assert len(seen) == 1
        book.forget(world.tenant)
        await book.get(world.tenant, wanted, now())
        assert len(seen) == 2
    finally:
        event.remove(Engine, "begin", note)
    assert {source.id for source in found} == {wanted}


@pytest.mark.asyncio
async def test_who_hangs_up_takes_no_other_pushs_source(world: World) -> None:
    book = SourceBook(world.api, Sealer(MASTER))
    impatient = asyncio.create_task(book.get(world.tenant, None, now()))
    patient = asyncio.create_task(book.get(world.tenant, None, now()))
    await asyncio.sleep(0)
    impatient.cancel()
    assert (await patient).tenant == world.tenant


@pytest.mark.asyncio
async def test_a_repeated_rotation_is_one(client: AsyncClient) -> None:
    source = await make_source(client)
    path = f"/{source['id']}/secret"
    first = await post(client, path, **ONCE)
    again = await post(client, path, **ONCE)
    assert (first["secret"] is not None, again["secret"]) == (True, None)
    for secret in (source["secret"], first["secret"]):
        assert await is_good(client, source["hook"], secret)


@pytest.mark.asyncio
async def test_a_second_rotation_leaves_senders_the_secret_they_sign_with(
    client: AsyncClient,
) -> None:
    """The answer to the first one was lost, and there was no Idempotency-Key."""
    source = await make_source(client)
    lost = await post(client, f"/{source['id']}/secret")
    shown = await post(client, f"/{source['id']}/secret")
    for secret in (source["secret"], lost["secret"], shown["secret"]):
        assert await is_good(client, source["hook"], secret)


def test_each_secret_signs_for_a_day_after_it_was_replaced() -> None:
    begins = now()
    half = ROTATION / 2
    first = default_source("demo2abc", begins)
    second = first.rotated(begins)
    third = second.rotated(begins + half)
    moment = timedelta(seconds=1)
    assert third.secrets_at(begins + half) == (third.secret, second.secret, first.secret)
    assert third.secrets_at(begins + ROTATION - moment)[-1] == first.secret
    assert third.secrets_at(begins + ROTATION) == (third.secret, second.secret)
    assert third.secrets_at(begins + half + ROTATION) == (third.secret,)


@pytest.mark.asyncio
async def test_who_may_push_unsigned_does_not_change_in_silence(
    client: AsyncClient, world: World
) -> None:
    source = await make_source(client, require_signature=True)
    for required in (False, False, True):
        answer = await client.patch(
            f"{SOURCES}/{source['id']}", json={"require_signature": required}
        )
        assert answer.json()["require_signature"] is required
    await post(client, f"/{source['id']}/secret")
    told = [(fact.revision, fact.verb) for fact in await world.facts("source") if fact.revision > 1]
    assert told == [(2, "excused_from_signing"), (3, "asked_to_sign"), (4, "rotated")]
    recorded = [fact.recorded_at for fact in await world.facts("source")]
    assert recorded == sorted(set(recorded))
