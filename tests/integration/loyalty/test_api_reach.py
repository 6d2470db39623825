"""Who reaches what over HTTP: by scope, as a customer, in a branch, from another company."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from fastapi import FastAPI
from starlette.routing import Route

from otklik_common import keys
from otklik_common.callers import ALL_SCOPES, ROLE_SCOPES
from otklik_common.events.access import Company, Key, KeyPurpose, Member, Role
from otklik_common.ids import subject_id
from tests.integration.loyalty.conftest import LONG_AGO, Office, World
from tests.integration.loyalty.over_http import AT, PHONE, a_purchase, issue, refused

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


def test_no_route_is_left_out_of_the_description(app: FastAPI) -> None:
    hidden = {"/livez", "/readyz", "/metrics", "/openapi.json"}
    paths = {route.path for route in app.routes if isinstance(route, Route)}
    assert paths - hidden <= set(app.openapi()["paths"])


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
