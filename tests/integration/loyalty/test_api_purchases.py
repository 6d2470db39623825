"""Purchases over HTTP: one, many and brought back, and the programme that they earn by."""

import json
from typing import Any

import pytest

from tests.integration.loyalty.conftest import Office
from tests.integration.loyalty.over_http import PHONE, a_purchase, refused


@pytest.mark.asyncio
async def test_a_purchase_over_http(office: Office) -> None:
    first = await office.put("/purchases/p-1", a_purchase())
    assert (first.status_code, first.json()["result"]) == (201, "new")
    again = await office.put("/purchases/p-1", a_purchase())
    assert (again.status_code, again.json()["result"]) == (200, "duplicate")
    changed = await office.put("/purchases/p-1", a_purchase(branch="omsk"))
    assert (changed.status_code, changed.json()["result"]) == (200, "changed")
    read = (await office.get("/purchases/p-1")).json()
    assert (read["amount"], read["net"], read["branch"]) == ("57000.00", "57000.00", "omsk")
    assert read["lines"][0]["quantity"] == 1
    customer = (await office.get("/customers/c-1")).json()
    assert (customer["id"], customer["phone"]) == (read["customer"], PHONE)


@pytest.mark.asyncio
async def test_a_return_over_http(office: Office) -> None:
    lines = [
        {"id": "1", "quantity": "0.350", "amount": "350.00"},
        {"id": "2", "amount": "10.00"},
    ]
    await office.put("/purchases/p-1", a_purchase(lines=lines))
    back = {"id": "r-1", "at": "2026-03-04T10:00:00+03:00", "lines": [{"id": "2"}]}
    answer = await office.post("/purchases/p-1/returns", back)
    assert (answer.status_code, answer.json()["net"]) == (201, "350.00")
    answer = await office.put("/purchases/p-1/returns/r-1", back)
    assert answer.status_code == 200
    part = {**back, "id": "r-2", "lines": [{"id": "1", "quantity": "0.100"}]}
    assert (await office.put("/purchases/p-1/returns/r-2", part)).json()["returned"] == "110.00"
    read = (await office.get("/purchases/p-1")).json()
    assert [each["lines"] for each in read["returns"]] == [{"2": 1}, {"1": "0.1"}]
    whole = {**back, "id": "r-3", "lines": [{"id": "1"}]}
    assert refused(await office.post("/purchases/p-1/returns", whole)) == (
        422,
        "returned_more_than_sold",
    )
    assert refused(await office.put("/purchases/p-1/returns/r-1", {**part, "id": "r-1"})) == (
        409,
        "return_id_reused",
    )
    assert refused(await office.put("/purchases/p-1/returns/r-9", back)) == (422, "id_differs")
    assert refused(await office.post("/purchases/p-9/returns", back)) == (404, "not_found")


@pytest.mark.asyncio
@pytest.mark.parametrize("lines", [False, True])
async def test_a_batch_keeps_the_good_and_names_the_bad(office: Office, lines: bool) -> None:
    items = [
        a_purchase("p-1"),
        a_purchase("p-2", currency="XXX"),
        a_purchase("p-3", surprise=1),
        a_purchase("p-1"),
        a_purchase("p-4", at="2026-03-02T18:00:00"),
        a_purchase("p-5", at="2099-01-01T00:00:00Z"),
        a_purchase("p-6", customer={"phone": "anonymous"}),
        "nonsense",
        a_purchase("p-7", lines=[{"id": "1", "amount": "1.005"}]),
        a_purchase("p-8", lines=[{"id": "1", "amount": 5}]),
        a_purchase("p-9", customer=None),
    ]
    if lines:
        texts = [json.dumps(item, ensure_ascii=False) for item in items]
        texts.insert(5, "   ")
        answer = await office.post(
            "/purchases:batch", "\n".join(texts).encode(), content_type="application/x-ndjson"
        )
    else:
        answer = await office.post("/purchases:batch", items)
    assert answer.status_code == 202
    body = answer.json()
    assert (body["accepted"], body["duplicates"]) == (2, 1)
    assert [(no["index"], no["code"]) for no in body["refused"]] == [
        (1, "unknown_currency"),
        (2, "unknown_field"),
        (4, "time_without_zone"),
        (5, "time_in_future"),
        (6, "bad_phone"),
        (7, "wrong_type"),
        (8, "too_many_decimals"),
        (9, "wrong_type"),
    ]
    assert "anonymous" not in answer.text


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'[{"id": "p-1"', 400, "malformed_json"),
        (b"\xff\xfe", 400, "malformed_json"),
        (b"\n \n", 400, "malformed_json"),
        (b'"text"', 400, "malformed_json"),
        (b'{"id":\n', 400, "malformed_json"),
        (b"[" + b"1," * 5000 + b"1]", 413, "too_many_items"),
        (b"[" + b" " * 5 * 1024 * 1024 + b"]", 413, "body_too_large"),
    ],
)
async def test_a_batch_that_cannot_be_read(
    office: Office, body: bytes, status: int, code: str
) -> None:
    assert refused(await office.post("/purchases:batch", body)) == (status, code)
    assert await office.world.count("purchase") == 0


@pytest.mark.asyncio
async def test_an_empty_list_is_no_fault(office: Office) -> None:
    answer = await office.post("/purchases:batch", b"[]")
    assert answer.status_code == 202
    assert answer.json() == {"accepted": 0, "duplicates": 0, "refused": []}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"surprise": 1}, "unknown_field"),
        ({"at": "yesterday"}, "malformed"),
        ({"at": "2026-03-02T18:00:00"}, "time_without_zone"),
        ({"lines": []}, "too_short"),
        ({"lines": [{"id": "1", "amount": "1"}, {"id": "1", "amount": "1"}]}, "line_id_twice"),
        ({"lines": [{"id": "1", "amount": 1}]}, "wrong_type"),
        ({"lines": [{"id": "1", "amount": "1", "quantity": 1.5}]}, "wrong_type"),
        ({"origin": "+79991234567"}, "malformed"),
        ({"attributes": {"a": 1}}, "wrong_type"),
        ({"attributes": {f"a{n}": "" for n in range(33)}}, "too_long"),
        ({"currency": "roubles"}, "malformed"),
        ({"branch": "\x00"}, "malformed"),
    ],
)
async def test_a_field_that_cannot_be_is_named(
    office: Office, said: dict[str, Any], code: str
) -> None:
    answer = await office.put("/purchases/p-1", a_purchase(**said))
    assert refused(answer) == (422, "invalid")
    assert [error["code"] for error in answer.json()["errors"]][:1] == [code]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"at": "2099-01-01T00:00:00Z"}, "time_in_future"),
        ({"at": "1989-12-31T00:00:00Z"}, "time_too_old"),
        ({"currency": "XAU"}, "unknown_currency"),
        ({"lines": [{"id": "1", "amount": "0.001"}]}, "too_many_decimals"),
        ({"lines": [{"id": "1", "amount": "-1"}]}, "bad_amount"),
        ({"lines": [{"id": "1", "amount": "1", "quantity": 0}]}, "bad_quantity"),
        ({"customer": {"phone": "112"}}, "bad_phone"),
        ({"customer": {"email": "nobody"}}, "bad_email"),
        ({"id": "p-2"}, "id_differs"),
    ],
)
async def test_a_purchase_against_the_rules_says_which(
    office: Office, said: dict[str, Any], code: str
) -> None:
    assert refused(await office.put("/purchases/p-1", a_purchase(**said))) == (422, code)
    assert await office.world.facts() == []


@pytest.mark.asyncio
async def test_the_programme_over_http(office: Office) -> None:
    rule = {"starts_at": "2026-01-01T00:00:00+03:00", "currency": "RUB", "points": 1, "per": "100"}
    assert (await office.post("/programme/rules", rule)).status_code == 201
    assert (await office.put("/attributes", {"names": ["shelf"]})).json() == {"names": ["shelf"]}
    decided = (await office.get("/programme")).json()
    assert decided["rules"] == [
        {"starts_at": "2025-12-31T21:00:00Z", "currency": "RUB", "points": 1, "per": "100.00"}
    ]
    assert decided["attributes"] == (await office.get("/attributes")).json()["names"] == ["shelf"]
    await office.put("/purchases/p-1", a_purchase())
    assert (await office.get("/customers/c-1/points")).json()["balance"] == 570
    earlier = {**rule, "starts_at": "2025-01-01T00:00:00Z"}
    assert refused(await office.post("/programme/rules", earlier)) == (409, "sold_since")
    nothing = {**rule, "per": "0.00"}
    assert refused(await office.post("/programme/rules", nothing)) == (422, "bad_amount")
