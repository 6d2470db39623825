"""Credentials that prove nothing, shown to every service: none is believed, none is told why."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from otklik_access.actions.signing import PURPOSE
from otklik_access.store import keys as signing_keys
from otklik_common.events.access import KeyPurpose
from otklik_common.ids import random_id
from otklik_common.keys import digest_of, key_text, new_key, new_signer, sign_token
from tests.support.app import all_modules, running_app
from tests.support.bad_tokens import Forger, put
from tests.support.postgres import PostgresServer
from tests.support.routes_world import World, build

pytestmark = [pytest.mark.system, pytest.mark.asyncio]

ROUTES = (
    "GET /access/v1/me",
    "GET /access/v1/keys",
    "GET /contact-center/v1/contacts",
    "POST /contact-center/v1/events",
    "GET /feedback/v1/surveys",
    "POST /feedback/v1/answers:batch",
    "GET /loyalty/v1/programme",
    "GET /metrics/v1/freshness",
    "GET /metrics",
)
"""Of every service, and each way in which a credential is looked at."""


@dataclass
class Office:
    """Two companies, and somebody who has stolen the signing key of ours."""

    world: World
    forger: Forger

    async def ask(self, route: str, shown: str | bytes, **more: Any) -> httpx.Response:
        """A request with that text as Bearer."""
        method, path = route.split(" ")
        text = shown if isinstance(shown, bytes) else shown.encode("utf-8")
        headers = [(b"Authorization", b"Bearer " + text), (b"Accept-Language", b"en")]
        body = b"[]" if method == "POST" else b""
        client = self.world.running.client
        return await client.request(method, path, headers=headers, content=body, **more)


@pytest_asyncio.fixture(scope="module")
async def office(postgres: PostgresServer) -> AsyncIterator[Office]:
    """The workers run, so that what is revoked is heard of."""
    async with running_app(postgres, "credentials") as running, running.at_work():
        world = await build(running)
        yield Office(world, await _forger(world, KeyPurpose.SESSION, world.tokens["admin"]))


async def _forger(world: World, purpose: KeyPurpose, good: str) -> Forger:
    platform, tenant = world.running.platform, world.ours.tenant
    async with platform.database("access", "api").begin(tenant) as tx:
        signers = await signing_keys.signers(tx, tenant)
    [(signer, sealed)] = [one for one in signers if one[0].purpose is purpose]
    private = platform.sealer.open(tenant, PURPOSE, sealed)
    return Forger(good=good, private=private, public=signer.public_key, api_key=world.ours.key)


def told(answer: httpx.Response) -> tuple[int, str, dict[str, Any]]:
    """An answer without what differs between any two requests."""
    body = answer.json()
    kept = {name: value for name, value in body.items() if name not in ("instance", "request_id")}
    return answer.status_code, answer.headers["www-authenticate"], kept


async def told_by_all(office: Office, shown: dict[str, str | bytes]) -> set[str]:
    """What every service says to each of these texts; each must refuse."""
    said: set[str] = set()
    wrong: list[str] = []
    for name, route in product(shown, ROUTES):
        answer = await office.ask(route, shown[name])
        if answer.status_code != 401 or answer.headers["content-type"] != (
            "application/problem+json"
        ):
            wrong.append(f"{name}, {route}: {answer.status_code} {answer.text[:200]}")
        else:
            said.add(str(told(answer)))
    assert not wrong, "\n".join(wrong)
    return said


async def test_no_service_believes_a_bad_token_or_says_what_is_wrong_with_it(
    office: Office,
) -> None:
    """By one answer, whatever is wrong, and whether or not there is such a company or key."""
    for route in ROUTES:
        good = await office.ask(route, office.forger.good)
        assert good.status_code in (200, 202, 400), f"{route}: the good token: {good.text}"
    bad: dict[str, str | bytes] = dict(office.forger.bad_tokens())
    del bad["empty"], bad["an API key"]
    # What a header cannot hold, or loses on its way.
    for name in ("space behind", "new line behind"):
        del bad[name]
    other, _ = new_signer()
    forge = office.forger.forge
    bad |= {
        "no such company": forge(put(kid="nobody22.signer2222"), put(tenant="nobody22")),
        "no such key": forge(put(kid=f"{office.world.ours.tenant}.signer2222")),
        "of the rival, by our key": forge(
            put(kid=f"{office.world.rival.tenant}.{office.forger.key_id}"),
            put(tenant=office.world.rival.tenant),
        ),
        "by our own, never announced": sign_token(
            other,
            tenant=office.world.ours.tenant,
            key_id=random_id(),
            purpose=KeyPurpose.SESSION,
            subject=UUID(office.forger.subject),
            now=datetime.now(UTC),
        ),
        "x5c": forge(put(x5c=["MIIB"])),
        "nobody": forge(body=put(sub=str(UUID(int=1)))),
        "no UTF-8": office.forger.good.encode() + b"\xff",
        "Cyrillic": "токен",
        "two tokens": f"{office.forger.good},{office.forger.good}",
        "blank inside": office.forger.good.replace(".", ". ", 1),
        "a refresh token": "otr_" + "A" * 43,
        "zz megabyte": "A" * 60_000,
    }
    assert len(bad) >= 80
    assert len(await told_by_all(office, bad)) == 1


async def test_a_token_raises_nobody(office: Office) -> None:
    """The role is that of our own directory, whatever else the token says."""
    agent = await _forger(office.world, KeyPurpose.SESSION, office.world.tokens["agent"])
    raised = agent.forge(body=put(role="admin", scopes=["keys:write"], branches=None))
    me = (await office.ask("GET /access/v1/me", raised)).json()
    assert (me["role"], me["branches"]) == ("agent", ["north"])
    assert (await office.ask("GET /access/v1/keys", raised)).status_code == 403


async def test_tokens_of_who_left_and_of_withdrawn_signers_are_told_alike(office: Office) -> None:
    world = office.world
    names = ("head", "operations")
    for name in names:
        assert (await office.ask("GET /access/v1/me", world.tokens[name])).status_code == 200
    away = {"role": "head", "groups": ["g-north"], "active": False}
    await world.good("PUT", "/access/v1/staff/head", away)
    past = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    ended = {"role": "operations", "starts_on": "2020-01-01", "ends_on": past}
    await world.good("PUT", "/access/v1/staff/operations", ended)
    await world.running.until_settled()
    forget(world)
    left: dict[str, str | bytes] = {name: world.tokens[name] for name in names}
    customers = await _forger(world, KeyPurpose.CUSTOMER, world.tokens["customer"])
    left["typ of a session, by the customers' key"] = customers.forge(put(typ="otklik-session+jwt"))
    said = await told_by_all(office, left)
    assert said == await told_by_all(office, {"no token": "a.b.c"})


async def test_no_service_believes_a_bad_key(office: Office) -> None:
    """Whoever has not shown the right secret is told nothing but what the text itself shows."""
    world = office.world
    good, rival = world.ours.key, world.rival.key
    prefix, tenant, key_id, rest = good.split("_")
    secret, checksum = rest[:32], rest[32:]
    rival_id = rival.split("_")[2]
    malformed: dict[str, str | bytes] = {
        "wrong checksum": good[:-1] + ("0" if good[-1] != "0" else "1"),
        "no checksum": f"{prefix}_{tenant}_{key_id}_{secret}",
        "checksum of another": f"{prefix}_{tenant}_{key_id}_{secret}{rival[-6:]}",
        "lower case": good.lower(),
        "prefix in capitals": good.replace("otk_", "OTK_"),
        "Cyrillic o": good.replace("otk", "оtk"),
        "full-width letter": good.replace("otk", "ｏtk"),
        "Cyrillic in the secret": f"{prefix}_{tenant}_{key_id}_а{secret[1:]}{checksum}",
        "Arabic digit": f"{prefix}_{tenant}_{key_id}_٣{secret[1:]}{checksum}",
        "very long": good + "A" * 60_000,
        "twice": good + good,
        "with a blank": good[:20] + " " + good[20:],
        "with NUL": good + "\x00",
        "quoted": f'"{good}"',
        "cut": good[:-7],
        "empty parts": "otk___",
        "the prefix alone": "otk_",
        "percent-encoded": good.replace("_", "%5F"),
    }
    unknown: dict[str, str | bytes] = {
        "no such company": new_key("nobody22")[0],
        "no such key": new_key(tenant)[0],
        "the rival's id with our secret": key_text(world.rival.tenant, rival_id, secret),
        "the rival's company with our key": key_text(world.rival.tenant, key_id, secret),
        "our company with the rival's key": key_text(tenant, rival_id, rival.split("_")[3][:32]),
        "another secret": key_text(tenant, key_id, "A" * 32),
        "secret in other case": key_text(tenant, key_id, secret.swapcase()),
        "the digest for the secret": key_text(tenant, key_id, digest_of(secret)[:32]),
        "a signer's id": key_text(tenant, office.forger.key_id, secret),
    }
    said = await told_by_all(office, malformed)
    by_token = await told_by_all(office, {"no token": "a.b.c"})
    assert len(said - by_token) == 2, "malformed, or a wrong checksum"
    assert len(await told_by_all(office, unknown)) == 1


async def test_a_key_that_has_ended_is_told_so_to_its_holder_alone(office: Office) -> None:
    world = office.world
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    revoked = await world.good("POST", "/access/v1/keys", {"name": "r", "scopes": ["keys:write"]})
    expired = await world.good(
        "POST", "/access/v1/keys", {"name": "e", "scopes": ["keys:write"], "expires_at": soon}
    )
    await world.good("POST", f"/access/v1/keys/{revoked['id']}/revoke")
    await asyncio.sleep(1.1)
    await world.running.until_settled()
    forget(world)
    ended: dict[str, str | bytes] = {"revoked": revoked["key"], "expired": expired["key"]}
    assert len(await told_by_all(office, ended)) == 2
    guessed: dict[str, str | bytes] = {
        name: key_text(world.ours.tenant, one["id"], "A" * 32)
        for name, one in (("revoked", revoked), ("expired", expired))
    }
    unknown = await told_by_all(office, {"unknown": new_key(world.ours.tenant)[0]})
    assert await told_by_all(office, guessed) == unknown


async def test_a_credential_counts_in_its_header_alone(office: Office) -> None:
    world = office.world
    client = world.running.client
    for name, route in product(("key", "access_token", "api_key", "token"), ROUTES):
        method, path = route.split(" ")
        answer = await client.request(method, path, params={name: world.ours.key})
        assert answer.status_code in (401, 422), f"{route}?{name}: {answer.status_code}"
        assert world.ours.key not in answer.text
    for headers in (
        {"Authorization": f"Basic {world.ours.key}"},
        {"Authorization": f"Token {world.ours.key}"},
        {"Authorization": world.ours.key},
        {"Authorization": f"Bearer{world.ours.key}"},
        {"X-Api-Key": world.ours.key},
        {"Cookie": f"otklik_session={office.forger.good}; token={world.ours.key}"},
        {"Proxy-Authorization": f"Bearer {world.ours.key}"},
    ):
        for route in ROUTES:
            answer = await client.request(*route.split(" "), headers=headers)
            assert answer.status_code == 401, f"{route} with {list(headers)}: {answer.text}"


@pytest.mark.parametrize("ended", ["revoked_at", "expires_at"])
async def test_a_token_ends_with_the_key_that_signed_it(office: Office, ended: str) -> None:
    world, forger = office.world, office.forger
    before = await told_by_all(office, {"no token": "a.b.c"})
    for module in all_modules():
        table = f"{module.schema}.directory"
        was = await world.running.admin.fetchval(
            f"SELECT data FROM {table} WHERE kind = 'key' AND data ->> 'key_id' = $1",
            forger.key_id,
        )
        await world.running.admin.execute(
            f"UPDATE {table} SET data = data || jsonb_build_object($2::text, $3::text)"
            " WHERE kind = 'key' AND data ->> 'key_id' = $1",
            forger.key_id,
            ended,
            (datetime.now(UTC) - timedelta(seconds=1)).isoformat(),
        )
        assert was is not None, table
    forget(world)
    assert await told_by_all(office, {ended: forger.good}) == before


def forget(world: World) -> None:
    """Services remember what was proved for two seconds."""
    for module in ("access", "contact_center", "feedback", "loyalty", "metrics"):
        world.running.platform.callers(module)._proved.clear()
        world.running.platform.directory(module).forget(world.ours.tenant)
