"""A contact that a replay takes away takes along what was said of it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from httpx import AsyncClient

from otklik_contact_center.actions import gone
from otklik_contact_center.actions.fold import Folder
from otklik_contact_center.domain.script.checklist import run_subject
from tests.integration.contact_center.conftest import Pusher, World, fold_all
from tests.integration.contact_center.evaluating import Calls, make, put_form, take
from tests.integration.contact_center.test_mapped_hooks import (
    BASE,
    MAPPING,
    a_source,
    push,
    set_directions,
)
from tests.integration.contact_center.ticking import a_call, put_script, ticked
from tests.unit.contact_center.test_mapped import BODY

pytestmark = pytest.mark.asyncio

LEG: dict[str, Any] = BODY["call"]["legs"][0]  # type: ignore[index]
OTHERWISE = {**MAPPING, "key": {"columns": ["call.id"], "prefix": "call-"}}


def a_body(number: int) -> dict[str, Any]:
    """A call of an hour ago, so that its checklist may still be written."""
    began = (datetime.now(UTC) - timedelta(hours=1)).replace(microsecond=0)
    up, over = began + timedelta(seconds=20), began + timedelta(minutes=2)
    call = {
        "id": number,
        "began": f"{began.astimezone(ZoneInfo('Europe/Moscow')):%Y-%m-%d %H:%M:%S}",
        "legs": [{**LEG, "up": up.timestamp()}],
        "over": over.isoformat().replace("+00:00", "Z"),
    }
    return {**BODY, "call": call}


async def replayed(
    client: AsyncClient, folder: Folder, source: dict[str, Any], mapping: dict[str, Any]
) -> int:
    """Read all bodies again by another mapping; how many events are no more."""
    await set_directions(client, source, {"mapping": mapping})
    path = f"{BASE}/sources/{source['id']}/bodies:replay"
    answer = await client.post(path, json={"unread": False})
    assert answer.status_code == 202, answer.text
    await fold_all(folder)
    return int(answer.json()["gone"])


async def test_a_replay_that_takes_a_contact_away_takes_along_what_was_said_of_it(
    world: World,
    client: AsyncClient,
    door: Pusher,
    folder: Folder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gone, "AT_ONCE", 1)
    await put_script(client, meant={})
    await put_form(client)
    await put_form(client, "tone")
    stays = await a_call(Calls(world, door, folder), "stays")
    source = await a_source(client)
    await set_directions(client, source, {"mapping": MAPPING})
    for number in (812, 813):
        await push(client, source, a_body(number))
    await fold_all(folder)
    listed = (await client.get(f"{BASE}/contacts")).json()["items"]
    contacts = {one["contact"]: UUID(one["id"]) for one in listed}
    assert contacts.keys() == {"812", "813", "stays"}
    released: dict[UUID, str] = {}
    for contact in contacts.values():
        await ticked(client, contact, greeting="done")
        released[contact] = (await make(client, contact))["id"]
        await take(client, released[contact], "release")
    draft = (await make(client, contacts["812"], form="tone"))["id"]

    assert await replayed(client, folder, source, OTHERWISE) == 6
    runs, found = await world.latest("script_run"), await world.latest("evaluation")
    assert list(runs) == [str(run_subject(world.tenant, stays))]
    assert list(found) == [released[stays]]
    told = [one for one in await world.facts("evaluation") if one.void]
    assert sorted(one.verb for one in told) == ["withdrawn"] * 2, "of a draft nobody was told"
    for id_ in (draft, released[contacts["812"]], released[contacts["813"]]):
        assert (await client.get(f"{BASE}/evaluations/{id_}")).json()["state"] == "withdrawn"
    assert (await client.get(f"{BASE}/contacts/{contacts['812']}/script")).status_code == 404

    # It comes back without a checklist, and may have another.
    assert await replayed(client, folder, source, MAPPING) == 6
    shown = (await client.get(f"{BASE}/contacts/{contacts['812']}/script")).json()
    assert shown["checklist"] is None
    await ticked(client, contacts["812"], greeting="done")
    subject = run_subject(world.tenant, contacts["812"])
    steps = [
        (one.revision, one.void)
        for one in await world.facts("script_run")
        if one.subject == subject
    ]
    assert steps == [(1, False), (2, True), (3, False)]
