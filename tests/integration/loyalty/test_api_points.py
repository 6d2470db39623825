"""Customers and their points over HTTP: moved once by a key, undone, listed, audited."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from otklik_common.module import Platform
from otklik_loyalty.workers import Auditor
from tests.integration.loyalty.conftest import Office
from tests.integration.loyalty.over_http import PHONE, issue, refused


@pytest.mark.asyncio
async def test_a_customer_over_http(office: Office) -> None:
    made = await office.put("/customers/c-1", {"name": "Анна", "phone": PHONE})
    assert made.status_code == 201
    assert made.headers["etag"] == '"1"'
    edited = await office.put("/customers/c-1", {"name": "Аня"}, if_match='"1"')
    assert (edited.status_code, edited.headers["etag"]) == (200, '"2"')
    stale = await office.put("/customers/c-1", {"name": "Нюра"}, if_match='"1"')
    assert refused(stale) == (412, "precondition_failed")
    read = await office.get(f"/customers/{made.json()['id']}")
    assert (read.json()["name"], read.json()["phone"]) == ("Аня", PHONE)
    found = await office.post("/customers:find", {"phone": "8 999 123-45-67"})
    assert [each["external_id"] for each in found.json()["items"]] == ["c-1"]
    assert (await office.post("/customers:find", {})).json() == {"items": []}
    assert refused(await office.post("/customers:find", {"phone": "112"})) == (422, "bad_phone")
    unknown = await office.get("/customers/c-9")
    assert refused(unknown) == (404, "not_found")
    blank = await office.put("/customers/%20", {})
    assert refused(blank) == (422, "blank_external_id")


@pytest.mark.asyncio
async def test_points_over_http(office: Office) -> None:
    await office.put("/customers/c-1", {"phone": PHONE})
    issued = await issue(office, 100)
    assert (issued.status_code, issued.json()["balance"]) == (201, 100)
    spent = await issue(office, 30, movement="spend", reason="order")
    assert spent.json()["points"] == -30
    assert refused(await issue(office, 71, movement="spend")) == (409, "not_enough_points")
    path = f"/points/{spent.json()['id']}/reverse"
    undone = await office.post(path, {"reason": "mistake"}, idempotency_key="u-1")
    assert (undone.status_code, undone.json()["balance"]) == (201, 100)
    again = await office.post(path, {"reason": "mistake"}, idempotency_key="u-1")
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == undone.json()
    other = await office.post(path, {"reason": "mistake"}, idempotency_key="u-2")
    assert refused(other) == (409, "already_reversed")
    assert (await office.get("/customers/c-1/points")).json()["balance"] == 100
    page = (await office.get("/customers/c-1/points/journal?limit=2")).json()
    assert [line["points"] for line in page["items"]] == [30, -30]
    cursor = page["next_cursor"]
    page = (await office.get(f"/customers/c-1/points/journal?limit=2&cursor={cursor}")).json()
    assert ([line["points"] for line in page["items"]], page["next_cursor"]) == ([100], None)
    await office.put("/customers/c-2", {})
    foreign = await office.get(f"/customers/c-2/points/journal?cursor={cursor}")
    assert refused(foreign) == (400, "cursor_of_another_query")


@pytest.mark.asyncio
async def test_points_need_an_idempotency_key(office: Office) -> None:
    await office.put("/customers/c-1", {})
    body = {"movement": "issue", "points": 1, "reason": "goodwill"}
    for path, sent in (
        ("/customers/c-1/points", body),
        (f"/points/{uuid4()}/reverse", {"reason": "mistake"}),
    ):
        assert refused(await office.post(path, sent)) == (400, "idempotency_key_missing")


@pytest.mark.asyncio
async def test_one_key_fifty_times_is_one_effect(office: Office) -> None:
    await office.put("/customers/c-1", {})
    answers = await asyncio.gather(*(issue(office, 10, key="k-1") for _ in range(50)))
    done = [answer for answer in answers if answer.status_code == 201]
    waiting = [answer for answer in answers if answer.status_code == 409]
    assert len(done) + len(waiting) == 50
    assert done
    assert len({answer.text for answer in done}) == 1
    assert {refused(answer)[1] for answer in waiting} <= {"idempotency_in_progress"}
    assert (await office.get("/customers/c-1/points")).json()["balance"] == 10
    assert refused(await issue(office, 11, key="k-1")) == (422, "idempotency_key_reused")
    assert await office.world.count("transfer") == 1


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "said",
    [
        {"points": 0},
        {"points": -5},
        {"points": "5"},
        {"points": 10**13},
        {"reason": "позвоните +79991234567"},
        {"movement": "steal"},
        {"id": "x"},
    ],
)
async def test_points_that_cannot_be(office: Office, said: dict[str, Any]) -> None:
    await office.put("/customers/c-1", {})
    assert refused(await issue(office, 1, **said)) == (422, "invalid")


@pytest.mark.asyncio
async def test_the_audit_shows_on_metrics(office: Office, platform: Platform) -> None:
    await office.put("/customers/c-1", {})
    await issue(office, 5)
    assert await Auditor(platform).once() == 0
    assert platform.registry.get_sample_value("otklik_loyalty_ledger_faults") == 0
