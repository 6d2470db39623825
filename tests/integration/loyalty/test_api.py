"""Loyalty over HTTP: what each route answers, to good input and to bad."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from starlette.routing import Route

from otklik_common import keys
from otklik_common.callers import ALL_SCOPES, ROLE_SCOPES
from otklik_common.events.access import Company, Key, KeyPurpose, Member, Role
from otklik_common.ids import subject_id
from otklik_common.module import Platform
from otklik_loyalty.workers import Auditor
from tests.integration.loyalty.conftest import LONG_AGO, Office, World

AT = "2026-03-02T18:00:00+03:00"
PHONE = "+79991234567"


def a_purchase(name: str = "p-1", **said: Any) -> dict[str, Any]:
    default: dict[str, Any] = {
        "id": name,
        "customer": {"phone": PHONE, "email": None, "external_id": "c-1"},
        "at": AT,
        "branch": "tyumen",
        "currency": "RUB",
        "origin": "sale",
        "lines": [
            {"id": "1", "product": "flat", "category": "sale", "quantity": 1, "amount": "57000.00"}
        ],
        "attributes": {"shelf": "7"},
    }
    return default | said


def refused(answer: Any) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


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
@pytest.mark.parametrize("body", [b"", b"[]", b"\n \n"])
async def test_an_empty_batch_is_no_fault(office: Office, body: bytes) -> None:
    answer = await office.post("/purchases:batch", body)
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


async def issue(office: Office, amount: int, key: str | None = None, **said: Any) -> Any:
    body = {"movement": "issue", "points": amount, "reason": "goodwill", **said}
    return await office.post("/customers/c-1/points", body, idempotency_key=key or str(uuid4()))


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


@pytest.mark.asyncio
async def test_a_customers_app_sees_its_own_points(office: Office) -> None:
    await office.put("/customers/c-1", {"phone": PHONE})
    await issue(office, 25)
    private, public = keys.new_signer()
    signer = Key(
        key_id="customers1", purpose=KeyPurpose.CUSTOMER, public_key=public, created_at=LONG_AGO
    )
    await office.knows("key", uuid4(), signer)
    office.app.state.platform.directory("loyalty").forget(office.world.tenant)

    def token(external_id: str) -> str:
        pseudonym = office.world.means.pseudonyms.external(office.world.tenant, external_id)
        text = keys.sign_token(
            private,
            tenant=office.world.tenant,
            key_id="customers1",
            purpose=KeyPurpose.CUSTOMER,
            subject=subject_id(office.world.tenant, "customer", pseudonym or ""),
            now=datetime.now(UTC),
            life=timedelta(minutes=5),
        )
        return f"Bearer {text}"

    own = await office.get("/me/points", authorization=token("c-1"))
    assert (own.status_code, own.json()["balance"]) == (200, 25)
    journal = (await office.get("/me/points/journal", authorization=token("c-1"))).json()
    assert [line["points"] for line in journal["items"]] == [25]
    assert "actor" not in journal["items"][0]
    nobody = await office.get("/me/points", authorization=token("c-2"))
    assert refused(nobody) == (404, "not_found")
    for path in ("/customers/c-1/points", "/customers/c-1", "/purchases/p-1"):
        assert refused(await office.get(path, authorization=token("c-1"))) == (403, "forbidden")
    assert refused(await office.get("/me/points")) == (403, "forbidden")


SCOPES = {
    "put_customer": "customers:write",
    "get_customer": "customers:read",
    "find_customers": "customers:read",
    "put_purchase": "purchases:write",
    "post_purchases": "purchases:write",
    "get_purchase": "customers:read",
    "post_return": "purchases:write",
    "put_return": "purchases:write",
    "move_points": "points:write",
    "reverse_points": "points:write",
    "get_points": "points:read",
    "list_points": "points:read",
    "get_own_points": "self",
    "list_own_points": "self",
    "get_programme": "points:read",
    "post_earning_rule": "access:write",
    "put_purchase_attributes": "sources:write",
    "get_purchase_attributes": "sources:write",
    "remove_loyalty_demo": "demo:write",
}


@pytest.mark.asyncio
async def test_every_route_asks_for_its_scope(office: Office) -> None:
    operations = {
        operation["operationId"]: (method, path, operation)
        for path, methods in office.app.openapi()["paths"].items()
        for method, operation in methods.items()
    }
    assert operations.keys() == SCOPES.keys()
    for name, (method, path, operation) in operations.items():
        assert operation["summary"], name
        assert operation["description"], name
        assert {"401", "403"} <= operation["responses"].keys(), name
        address = path.removeprefix("/loyalty/v1").replace("{transfer}", str(uuid4()))
        address = address.replace("{customer}", "c-1").replace("{purchase}", "p-1")
        address = address.replace("{return}", "r-1")
        nobody = await office.call(method.upper(), address, {}, authorization="")
        assert refused(nobody) == (401, "unauthenticated"), name
        others = ALL_SCOPES - {SCOPES[name]}
        without = await office.key(others)
        answer = await office.call(
            method.upper(), address, {}, authorization=f"Bearer {without}", idempotency_key="k"
        )
        assert refused(answer) == (403, "forbidden"), name


@pytest.mark.asyncio
async def test_a_manager_of_a_branch_reaches_its_customers_only(office: Office) -> None:
    member, (private, public) = uuid4(), keys.new_signer()
    signer = Key(
        key_id="sessions01", purpose=KeyPurpose.SESSION, public_key=public, created_at=LONG_AGO
    )
    await office.knows("key", uuid4(), signer)
    await office.knows("member", member, Member(role=Role.MANAGER, branches=("tyumen",)))
    office.app.state.platform.directory("loyalty").forget(office.world.tenant)
    session = keys.sign_token(
        private,
        tenant=office.world.tenant,
        key_id="sessions01",
        purpose=KeyPurpose.SESSION,
        subject=member,
        now=datetime.now(UTC),
        life=timedelta(minutes=5),
    )
    manager = {"authorization": f"Bearer {session}"}
    assert "points:write" in ROLE_SCOPES[Role.MANAGER]
    await office.put("/customers/here", {"branch": "tyumen"})
    await office.put("/customers/there", {"branch": "omsk", "phone": PHONE})
    body = {"movement": "issue", "points": 5, "reason": "goodwill"}
    here = await office.post("/customers/here/points", body, idempotency_key="k", **manager)
    assert here.status_code == 201
    foreign = {}
    for name in ("there", "missing"):
        there = await office.post(
            f"/customers/{name}/points", body, idempotency_key=name, **manager
        )
        assert refused(there) == (404, "not_found")
        foreign[name] = {
            k: v for k, v in there.json().items() if k not in ("request_id", "instance")
        }
    assert foreign["there"] == foreign["missing"], "out of reach answers exactly like missing"
    found = await office.post("/customers:find", {"phone": PHONE}, **manager)
    assert found.json() == {"items": []}
    assert refused(await office.put("/purchases/p-1", a_purchase(), **manager))[0] == 403


@pytest.mark.asyncio
async def test_another_companys_objects_answer_like_missing_ones(
    office: Office, app: FastAPI
) -> None:
    await office.put("/customers/c-1", {"phone": PHONE})
    issued = await issue(office, 5)
    await office.put("/purchases/p-1", a_purchase())
    stranger = Office(office.world, office.http, "", app)
    stranger.world = World(
        "strange2",
        office.world.settings,
        office.world.api,
        office.world.worker,
        office.world.admin,
        office.world.means,
    )
    known = Company(timezone="Europe/Moscow", created_at=LONG_AGO)
    await stranger.knows("company", uuid4(), known)
    stranger.bearer = await stranger.key(ALL_SCOPES)
    customer = issued.json()["customer"]
    for method, path, body in (
        ("GET", f"/customers/{customer}", None),
        ("GET", "/customers/c-1", None),
        ("GET", f"/customers/{customer}/points", None),
        ("GET", f"/customers/{customer}/points/journal", None),
        ("GET", "/purchases/p-1", None),
        ("POST", f"/points/{issued.json()['id']}/reverse", {"reason": "mistake"}),
        (
            "POST",
            f"/customers/{customer}/points",
            {"movement": "issue", "points": 1, "reason": "x"},
        ),
        ("POST", "/purchases/p-1/returns", {"id": "r", "at": AT, "lines": [{"id": "1"}]}),
    ):
        answer = await stranger.call(method, path, body, idempotency_key=str(uuid4()))
        assert refused(answer) == (404, "not_found"), path


@pytest.mark.asyncio
async def test_the_audit_shows_on_metrics(office: Office, platform: Platform) -> None:
    await office.put("/customers/c-1", {})
    await issue(office, 5)
    assert await Auditor(platform).once() == 0
    assert platform.registry.get_sample_value("otklik_loyalty_ledger_faults") == 0


def test_no_route_is_left_out_of_the_description(app: FastAPI) -> None:
    hidden = {"/livez", "/readyz", "/metrics", "/openapi.json"}
    paths = {route.path for route in app.routes if isinstance(route, Route)}
    assert paths - hidden <= set(app.openapi()["paths"])
