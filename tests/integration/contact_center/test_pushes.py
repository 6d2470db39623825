"""Pushes over HTTP: what is kept, what is refused, and that nothing is lost or counted twice."""

import asyncio
import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from httpx import AsyncClient
from standardwebhooks import Webhook

from otklik_common.events.access import KeyPurpose
from tests.integration.contact_center.conftest import World, now

EVENTS = "/contact-center/v1/events"


def an_event(name: str = "e1", **more: Any) -> dict[str, Any]:
    """A pushed event as JSON."""
    return {
        "id": name,
        "contact": "call-1",
        "type": "queued",
        "at": now().isoformat(),
        "channel": "call",
        "direction": "in",
        **more,
    }


async def push(client: AsyncClient, body: Any, **more: Any) -> dict[str, Any]:
    """The answer to a push that is taken."""
    response = await client.post(EVENTS, json=body, **more)
    assert response.status_code == 202, response.text
    found: dict[str, Any] = response.json()
    return found


def counts(answer: dict[str, Any]) -> tuple[int, int, list[str]]:
    return (
        answer["accepted"],
        answer["duplicates"],
        [refusal["code"] for refusal in answer["refused"]],
    )


@pytest.mark.asyncio
async def test_one_event_an_array_and_lines_are_the_same(client: AsyncClient, world: World) -> None:
    events = [an_event(f"e{n}") for n in range(3)]
    assert counts(await push(client, events[0])) == (1, 0, [])
    assert counts(await push(client, events)) == (2, 1, [])
    lines = "\n\n".join(json.dumps(event, indent=None, sort_keys=True) for event in events)
    for content_type in ("application/x-ndjson", "application/json"):
        response = await client.post(
            EVENTS, content=f"\n{lines}\r\n \n", headers={"Content-Type": content_type}
        )
        assert counts(response.json()) == (0, 3, [])
    assert await world.count("inbox") == 3
    assert await world.count("dirty") == 2


@pytest.mark.asyncio
async def test_what_is_kept_is_sealed(client: AsyncClient, world: World) -> None:
    await push(client, an_event(**{"from": "+79005550101"}, text="канарейка"))
    rows = await world.admin.fetch(
        "SELECT * FROM contact_center.inbox WHERE tenant = $1", world.tenant
    )
    shown = b"".join(
        value if isinstance(value, bytes) else str(value).encode() for value in rows[0].values()
    )
    assert b"9005550101" not in shown
    assert "канарейка".encode() not in shown
    opened = world.sealer.open(world.tenant, "event", rows[0]["body"])
    assert json.loads(opened)["from"] == "+79005550101"


@pytest.mark.asyncio
async def test_the_same_id_with_another_body_is_refused_and_stored(
    client: AsyncClient, world: World
) -> None:
    first = an_event("e1")
    assert counts(await push(client, first)) == (1, 0, [])
    answer = await push(client, [{**first, "queue": "other"}, an_event("e2")])
    assert counts(answer) == (1, 0, ["event_id_reused"])
    assert answer["refused"][0]["index"] == 0
    assert await world.count("refused") == 1


@pytest.mark.asyncio
async def test_the_same_id_twice_in_one_push(client: AsyncClient, world: World) -> None:
    first = an_event("e1")
    answer = await push(client, [first, first, {**first, "queue": "other"}])
    assert counts(answer) == (1, 1, ["event_id_reused"])
    assert await world.count("inbox") == 1


@pytest.mark.asyncio
async def test_good_ones_are_kept_when_others_are_refused(
    client: AsyncClient, world: World
) -> None:
    bad = [
        an_event("b1", unheard="of"),
        an_event("b2", at="2026-03-02T09:00:00"),
        an_event("b3", at=(now() + timedelta(hours=25)).isoformat()),
        an_event("b4", at="1989-12-31T00:00:00Z"),
        an_event("b5", type="exploded"),
        an_event("b6", queue=7),
        {"id": "b7"},
        7,
        an_event("b9", text="\0"),
    ]
    answer = await push(client, [an_event("g1"), *bad, an_event("g2")])
    assert counts(answer) == (
        2,
        0,
        [
            "unknown_field",
            "time_without_zone",
            "time_in_future",
            "time_too_old",
            "not_one_of",
            "wrong_type",
            "missing",
            "wrong_type",
            "malformed",
        ],
    )
    assert [refusal["index"] for refusal in answer["refused"]] == list(range(1, 10))
    assert await world.count("refused") == 9
    await push(client, bad)
    assert await world.count("refused") == 9


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed_json"),
        (b"[{", 400, "malformed_json"),
        (b'{"id": "a", "contact": ', 400, "malformed_json"),
        (b'{"id": "\xff"}', 400, "invalid_utf8"),
        (b'[{"id": "\xff"}]', 400, "invalid_utf8"),
        (b"hello", 400, "malformed_json"),
        (b"[" * 100_000, 400, "malformed_json"),
        (b"[" + b",".join([b"{}"] * 5001) + b"]", 422, "too_many_events"),
        (b"{}\n" * 5001, 422, "too_many_events"),
        (b" " * (6 * 1024 * 1024), 413, "body_too_large"),
    ],
)
async def test_a_body_that_is_no_push_is_refused_whole(
    client: AsyncClient, world: World, body: bytes, status: int, code: str
) -> None:
    response = await client.post(EVENTS, content=body)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"
    assert await world.count("inbox") == await world.count("refused") == 0


@pytest.mark.asyncio
async def test_a_broken_line_among_good_ones_fails_alone(client: AsyncClient) -> None:
    lines = b"\n".join([json.dumps(an_event("e1")).encode(), b'{"id": "e2"', b'{"id": "\xff"}'])
    response = await client.post(EVENTS, content=lines)
    assert counts(response.json()) == (1, 0, ["malformed_json", "invalid_utf8"])


@pytest.mark.asyncio
async def test_five_thousand_events_are_one_push(client: AsyncClient, world: World) -> None:
    events = [an_event(f"e{n}", contact=f"c{n % 500}") for n in range(5000)]
    assert counts(await push(client, events)) == (5000, 0, [])
    assert await world.count("dirty") == 500


@pytest.mark.asyncio
async def test_who_may_push(client: AsyncClient, world: World) -> None:
    async def status(key: str | None, params: dict[str, str] | None = None) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {key}" if key else ""}
        response = await client.post(EVENTS, json=an_event(), headers=headers, params=params)
        return response.status_code, response.json().get("code", "")

    # All keys first: what is known of a company is kept for two seconds.
    reader, pusher = await world.key("contacts:read"), await world.key("events:push")
    publishable = await world.key("events:push", purpose=KeyPurpose.PUBLISHABLE)
    assert await status(None) == (401, "unauthenticated")
    assert await status("otk_nonsense") == (401, "unauthenticated")
    assert await status(reader) == (403, "forbidden")
    assert await status(publishable) == (202, "")
    assert await status(pusher, {"source": f"{world.tenant}.default"}) == (202, "")
    assert await status(pusher, {"source": f"{world.tenant}.nowhere"}) == (404, "unknown_source")
    assert await status(pusher, {"source": "aaaaaaaa.default"}) == (404, "unknown_source")
    assert await status(pusher, {"sauce": "x"}) == (422, "invalid")


@pytest.mark.asyncio
async def test_a_key_of_one_branch_speaks_for_that_branch(
    client: AsyncClient, world: World
) -> None:
    key = await world.key("events:push", branches=("omsk",))
    answer = await push(
        client,
        [an_event("e1", branch="omsk"), an_event("e2", branch="perm"), an_event("e3")],
        headers={"Authorization": f"Bearer {key}"},
    )
    assert counts(answer) == (2, 0, ["branch_out_of_reach"])


@pytest.mark.asyncio
async def test_a_key_of_one_branch_makes_no_source_for_all(
    client: AsyncClient, world: World
) -> None:
    """A source is not bound to a branch: through its hook such a key would speak for others."""
    bearer = {"Authorization": f"Bearer {await world.key(branches=('omsk',))}"}
    source = (await make_source(client))["id"]
    for path in ("", f"/{source}/secret"):
        body = None if path else {"name": "АТС"}
        refused = await client.post(f"/contact-center/v1/sources{path}", json=body, headers=bearer)
        assert refused.status_code == 403, refused.text


async def make_source(client: AsyncClient, **more: Any) -> dict[str, Any]:
    response = await client.post(
        "/contact-center/v1/sources", json={"name": "АТС", "kind": "generic", **more}
    )
    assert response.status_code == 201, response.text
    found: dict[str, Any] = response.json()
    return found


def signed(secret: str, body: bytes, *, seconds: int = 0) -> dict[str, str]:
    at = now() + timedelta(seconds=seconds)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", at, body.decode()),
    }


@pytest.mark.asyncio
async def test_a_source_may_ask_for_signatures(client: AsyncClient, world: World) -> None:
    source = await make_source(client, require_signature=True)
    params = {"source": source["id"]}
    body = json.dumps(an_event()).encode()
    bare = await client.post(EVENTS, content=body, params=params)
    assert (bare.status_code, bare.json()["code"]) == (401, "bad_signature")
    for seconds in (-301, 301):
        stale = await client.post(
            EVENTS,
            content=body,
            params=params,
            headers=signed(source["secret"], body, seconds=seconds),
        )
        assert stale.json()["code"] == "bad_signature"
    forged = signed("whsec_" + base64.b64encode(b"x" * 32).decode(), body)
    assert (
        await client.post(EVENTS, content=body, params=params, headers=forged)
    ).status_code == 401
    good = await client.post(
        EVENTS, content=body, params=params, headers=signed(source["secret"], body)
    )
    assert counts(good.json()) == (1, 0, [])
    changed = body.replace(b"call-1", b"call-2")
    assert (
        await client.post(
            EVENTS, content=changed, params=params, headers=signed(source["secret"], body)
        )
    ).status_code == 401
    assert await world.count("inbox") == 1


@pytest.mark.asyncio
async def test_a_hook_needs_no_key_but_the_secret(client: AsyncClient, world: World) -> None:
    source = await make_source(client)
    body = json.dumps(an_event()).encode()
    nobody = {"Authorization": ""}
    hook = source["hook"]
    told: set[str] = set()
    for path in (
        hook,
        f"/contact-center/v1/sources/{world.tenant}.nowhere/hook",
        hook.replace(world.tenant, "aaaaaaaa"),
    ):
        answer = await client.post(path, content=body, headers=nobody)
        assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")
        told.add(answer.json()["detail"])
    assert len(told) == 1, "whoever cannot sign learns of no source whether it is there"
    headers = nobody | signed(source["secret"], body)
    assert counts((await client.post(hook, content=body, headers=headers)).json()) == (1, 0, [])
    rotated = (await client.post(f"/contact-center/v1/sources/{source['id']}/secret")).json()
    assert rotated["secret"] != source["secret"]
    for secret in (source["secret"], rotated["secret"]):
        headers = nobody | signed(secret, body)
        assert counts((await client.post(hook, content=body, headers=headers)).json()) == (0, 1, [])


@pytest.mark.asyncio
async def test_many_pushes_at_once_share_commits_and_stay_apart(
    client: AsyncClient, world: World
) -> None:
    answers = await asyncio.gather(
        *(push(client, an_event(f"e{n % 50}", at="2026-03-02T09:00:00Z")) for n in range(200))
    )
    assert sum(answer["accepted"] for answer in answers) == 50
    assert sum(answer["duplicates"] for answer in answers) == 150
    assert await world.count("inbox") == 50


@pytest.mark.asyncio
async def test_sources_are_facts_and_hide_their_secrets(client: AsyncClient, world: World) -> None:
    made = await make_source(client)
    listed = (await client.get("/contact-center/v1/sources")).json()["items"]
    assert [source["id"] for source in listed] == sorted([made["id"], f"{world.tenant}.default"])
    assert all("secret" not in source for source in listed)
    facts = await world.facts("source")
    assert {fact.data.name for fact in facts} == {"АТС", "default"}  # type: ignore[attr-defined]
    kept = await world.admin.fetchval(
        "SELECT secret FROM contact_center.source WHERE tenant = $1 AND id = $2",
        world.tenant,
        made["id"],
    )
    assert base64.b64decode(made["secret"].removeprefix("whsec_")) not in kept
