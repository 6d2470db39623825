"""The way round the framework: whoever comes by it is answered as all others are."""

import json
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response

from otklik_common.events.access import KeyPurpose
from tests.integration.contact_center.conftest import World
from tests.integration.contact_center.test_pushes import EVENTS, an_event

TRACED = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
BROWSER = {"Origin": "https://shop.example.test"}
VARYING = {"x-request-id", "content-length"}
OF_BROWSERS = {
    "cache-control",
    "content-security-policy",
    "cross-origin-opener-policy",
    "permissions-policy",
    "referrer-policy",
    "x-content-type-options",
    "x-frame-options",
}


def alike(response: Response) -> tuple[Any, ...]:
    body = response.json()
    for name in ("instance", "request_id"):
        body.pop(name, None)
    headers = {
        name: value
        for name, value in response.headers.items()
        if name not in VARYING and not name.startswith("access-control")
    }
    return response.status_code, body, headers


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("content", "authorized"),
    [
        (json.dumps(an_event("same")).encode(), True),
        (b"[]", True),
        (b'[{"id": 7}]', True),
        (b"[{", True),
        (b"x" * (6 * 1024 * 1024), True),
        (b"{}", False),
    ],
)
async def test_both_ways_answer_alike(
    client: AsyncClient, content: bytes, *, authorized: bool
) -> None:
    headers = {} if authorized else {"Authorization": "Bearer otk_nothing"}
    await client.post(EVENTS, content=content, headers=headers)
    hot = await client.post(EVENTS, content=content, headers=headers)
    usual = await client.post(EVENTS, content=content, headers=headers | TRACED)
    status, body, headers_alike = alike(usual)
    if status == 202:
        # Whoever sends no Origin is no browser: a success spares it what only browsers read.
        headers_alike = {k: v for k, v in headers_alike.items() if k not in OF_BROWSERS}
    assert alike(hot) == (status, body, headers_alike)
    assert len(hot.headers["x-request-id"]) == len(usual.headers["x-request-id"])


@pytest.mark.asyncio
async def test_a_page_may_push_with_a_publishable_key(client: AsyncClient, world: World) -> None:
    key = await world.key("events:push", purpose=KeyPurpose.PUBLISHABLE)
    headers = BROWSER | {"Authorization": f"Bearer {key}"}
    response = await client.post(EVENTS, json=an_event(), headers=headers)
    assert response.status_code == 202
    assert response.headers["access-control-allow-origin"] == BROWSER["Origin"]
    assert response.headers.keys() >= OF_BROWSERS


@pytest.mark.asyncio
async def test_the_trace_of_a_push_goes_with_its_facts(client: AsyncClient, world: World) -> None:
    await client.post(EVENTS, json=an_event("e1"), headers=TRACED)
    await client.post(EVENTS, json=an_event("e2"), headers={"traceparent": 'bad"trace'})
    rows = await world.admin.fetch(
        "SELECT id, traceparent FROM contact_center.inbox WHERE tenant = $1 ORDER BY id",
        world.tenant,
    )
    assert [row["traceparent"] for row in rows] == [TRACED["traceparent"], None]


@pytest.mark.asyncio
async def test_only_posts_take_the_short_way(client: AsyncClient) -> None:
    response = await client.get(EVENTS)
    assert response.status_code == 405
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.asyncio
async def test_the_hot_routes_are_documented(contact_center_app: FastAPI) -> None:
    paths = contact_center_app.openapi()["paths"]
    push = paths["/contact-center/v1/events"]["post"]
    assert push["operationId"] == "push_events"
    assert {"202", "400", "401", "403", "404", "413", "422", "503"} <= push["responses"].keys()
    schema = json.dumps(push["requestBody"])
    assert "PushedEvent" in schema
    assert [one["name"] for one in push["parameters"]] == ["source"]
    assert "/contact-center/v1/sources/{source_id}/hook" in paths
    event = contact_center_app.openapi()["components"]["schemas"]["PushedEvent"]
    assert event["required"] == ["id", "contact", "type", "at"]
    assert event["additionalProperties"] is False
