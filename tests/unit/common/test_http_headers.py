"""What stands beside every answer: careful headers, ids, origins, revisions, the log's line."""

import json

import httpx
import pytest
from prometheus_client import CollectorRegistry

from tests.unit.common.things import CANARY, make_app


@pytest.mark.asyncio
async def test_answers_carry_careful_headers(client: httpx.AsyncClient) -> None:
    for path in ("/things/v1/things/1", "/nowhere"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert headers["x-frame-options"] == "DENY"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.asyncio
async def test_only_ids_without_meaning_are_taken_over_from_the_caller(
    client: httpx.AsyncClient,
) -> None:
    for shown, taken in (
        ("0123456789abcdef0123456789abcdef", True),
        ("01234567-89ab-cdef-0123-456789abcdef", True),
        (CANARY, False),
        ("79995550123", False),
        ("x" * 32, False),
    ):
        answer = await client.get("/nowhere", headers={"X-Request-Id": shown})
        assert (answer.headers["x-request-id"] == shown) is taken


@pytest.mark.asyncio
async def test_log_and_metrics_know_routes_by_template_only(
    capsys: pytest.CaptureFixture[str],
) -> None:
    registry = CollectorRegistry()
    transport = httpx.ASGITransport(make_app(registry))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        told = await client.get("/things/v1/things/1")
        assert told.json()["route"] == "/things/v1/things/{thing_id}"
        await client.get(f"/things/v1/things/{CANARY}")
        await client.get(f"/things/v1/list?branch={CANARY}")
        await client.get(f"/{CANARY}")
        await client.post(f"/raw/{CANARY}", content=b"x")
        await client.request("BREW", f"/{CANARY}")
        await client.post("/things/v1/large", content=b"x")
    logged = capsys.readouterr().err
    assert CANARY not in logged
    lines = [json.loads(line) for line in logged.splitlines()]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("GET", "/things/v1/things/{thing_id}", 200),
        ("GET", "/things/v1/things/{thing_id}", 200),
        ("GET", "/things/v1/list", 200),
        ("GET", "none", 404),
        ("POST", "/raw/{thing_id}", 200),
        ("OTHER", "none", 404),
    ]
    count = registry.get_sample_value(
        "otklik_http_requests_total",
        {"method": "GET", "route": "/things/v1/things/{thing_id}", "status": "2xx"},
    )
    assert count == 2
    shown = str([sample for family in registry.collect() for sample in family.samples])
    assert CANARY not in shown


@pytest.mark.asyncio
async def test_web_pages_may_call_the_api_without_credentials(client: httpx.AsyncClient) -> None:
    origin = {"Origin": "https://shop.example"}
    asked = await client.options(
        "/things/v1/things", headers={**origin, "Access-Control-Request-Method": "POST"}
    )
    assert asked.status_code == 204
    assert "Authorization" in asked.headers["access-control-allow-headers"]
    for path in ("/things/v1/things/1", "/things/v1/things/foreign"):
        answer = await client.get(path, headers=origin)
        assert answer.headers["access-control-allow-origin"] == "https://shop.example"
        assert "access-control-allow-credentials" not in answer.headers
        assert "Origin" in answer.headers.get_list("vary", split_commas=True)
    for path, headers in (("/raw/1", origin), ("/things/v1/things/1", {})):
        answer = await client.get(path, headers=headers)
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.asyncio
async def test_an_edit_names_the_revision_it_is_about(client: httpx.AsyncClient) -> None:
    path = "/things/v1/things/1"
    for header, status, code in (
        (None, 428, "precondition_required"),
        ('"2"', 412, "precondition_failed"),
        ('W/"3"', 412, "precondition_failed"),
        ("3", 400, "bad_if_match"),
        ('"3', 400, "bad_if_match"),
        ('"3"', 200, None),
        ('"1", "3"', 200, None),
        ("*", 200, None),
    ):
        answer = await client.put(path, headers={"If-Match": header} if header else {})
        assert answer.status_code == status, header
        if code is None:
            assert answer.headers["etag"] == '"4"'
        else:
            assert answer.json()["code"] == code
