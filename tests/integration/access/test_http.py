"""The routes of access, asked over HTTP."""

import asyncio

import pytest

from otklik_common.ids import short_id, subject_id
from tests.integration.access.conftest import Http

pytestmark = pytest.mark.asyncio


async def test_the_first_key_may_do_everything(http: Http) -> None:
    me = await http.good("GET", "/me")
    assert (me["company"], me["branches"], me["role"]) == (http.world.tenant, None, None)
    assert "keys:write" in me["scopes"]


async def test_a_company_is_edited_by_who_has_read_it(http: Http) -> None:
    answer = await http.ask("GET", "/companies/current")
    tag = answer.headers["etag"]
    assert (await http.ask("PATCH", "/companies/current", {"currency": "KZT"})).status_code == 428
    edited = await http.ask("PATCH", "/companies/current", {"currency": "KZT"}, If_Match=tag)
    assert edited.json()["currency"] == "KZT"
    late = await http.ask("PATCH", "/companies/current", {"currency": "USD"}, If_Match=tag)
    assert late.status_code == 412
    assert [event.revision for event in await http.world.facts("company")][-1:] in ([2], [])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"timezone": "Mars/Olympus"}, "unknown_timezone"),
        ({"timezone": None}, "wrong_type"),
        ({"region": "ZZ"}, "unknown_region"),
        ({"colour": "red"}, "unknown_field"),
        ({"language": "de"}, "not_one_of"),
        ({"thresholds_seconds": [0]}, "out_of_range"),
        ({"origins": ["https://a.ru/path"]}, "malformed"),
        ({"names": {"de": "x"}}, "unknown_field"),
    ],
)
async def test_a_bad_field_is_named(http: Http, body: object, code: str) -> None:
    answer = await http.ask("PATCH", "/companies/current", body, If_Match="*")
    assert answer.status_code == 422
    assert [error["code"] for error in answer.json()["errors"]] == [code]


async def test_branches_are_put_by_code_and_the_same_body_is_no_revision(http: Http) -> None:
    await http.good("PUT", "/branch-groups/ural", {"grouping": "region"})
    body = {"names": {"ru": "Тюмень"}, "groups": ["ural"], "opened_on": "2020-02-01"}
    first = await http.ask("PUT", "/branches/tyumen", body)
    again = await http.ask("PUT", "/branches/tyumen", body)
    assert first.headers["etag"] == again.headers["etag"] == '"1"'
    other = await http.ask("PUT", "/branches/tyumen", {**body, "active": False})
    assert other.headers["etag"] == '"2"'
    stale = await http.ask("PUT", "/branches/tyumen", body, If_Match='"1"')
    assert stale.status_code == 412
    unknown = await http.ask("PUT", "/branches/x", {"groups": ["urall"]})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_branch_group")
    assert (await http.ask("GET", "/branches/x")).status_code == 404


async def test_codes_with_letters_of_any_script_stand_in_addresses(http: Http) -> None:
    await http.good("PUT", "/branches/Тюмень Центр", {})
    assert (await http.good("GET", "/branches/Тюмень%20Центр"))["code"] == "Тюмень Центр"
    assert (await http.ask("PUT", "/branches/%20x", {})).status_code == 422


async def test_lists_come_in_parts(http: Http) -> None:
    for number in range(5):
        await http.good("PUT", f"/branches/b{number}", {})
    seen, cursor = [], ""
    for _ in range(3):
        page = await http.good("GET", f"/branches?limit=2{cursor}")
        seen += [branch["code"] for branch in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == ["b0", "b1", "b2", "b3", "b4"]
    page = await http.good("GET", "/branches?limit=2")
    foreign = await http.ask("GET", f"/staff?limit=2&cursor={page['next_cursor']}")
    assert (foreign.status_code, foreign.json()["code"]) == (400, "cursor_of_another_query")


async def test_who_is_limited_sees_only_their_branches_and_colleagues(http: Http) -> None:
    for group in ("own", "franchise"):
        await http.good("PUT", f"/branch-groups/{group}", {"grouping": "ownership"})
    await http.good("PUT", "/branches/a", {"groups": ["own"]})
    await http.good("PUT", "/branches/b", {"groups": ["franchise"]})
    await http.good("PUT", "/staff/anna", {"role": "agent", "branches": ["a"], "name": "Анна"})
    await http.good("PUT", "/staff/boris", {"role": "agent", "branches": ["b"]})
    await http.good("PUT", "/staff/galina", {"role": "agent", "groups": ["own", "franchise"]})
    manager = (await http.employ("m", "manager", groups=["own"]))["token"]
    head = (await http.employ("h", "head", branches=["b"]))["token"]
    agent = (await http.employ("g", "agent", branches=["a"]))["token"]

    async def codes(path: str, key: str) -> list[str]:
        page = (await http.ask("GET", path, key=key)).json()
        return [one["code"] for one in page["items"]]

    assert await codes("/branches", manager) == ["a"]
    assert await codes("/staff", manager) == ["anna", "g", "galina", "m"]
    assert await codes("/branches", head) == ["b"]
    assert await codes("/staff", head) == ["boris", "galina", "h"]
    assert await codes("/branches", agent) == ["a"]
    assert (await http.ask("GET", "/staff", key=agent)).status_code == 403
    assert (await http.ask("GET", "/branches/b", key=manager)).status_code == 404
    assert (await http.ask("GET", "/staff/boris", key=manager)).status_code == 404
    assert (await http.ask("GET", "/staff/admin", key=head)).status_code == 404
    assert (await http.ask("GET", "/audit", key=head)).status_code == 403
    for path in ("/branches/c", "/branch-groups/x", "/staff/x"):
        put = await http.ask("PUT", path, {"role": "agent", "grouping": "x"}, key=manager)
        assert put.status_code == 403


async def test_a_limited_key_gives_no_more_than_it_has(http: Http) -> None:
    await http.good("PUT", "/branches/a", {})
    await http.good("PUT", "/branches/b", {})
    scopes = ["keys:write", "access:write", "access:read", "contacts:read"]
    made = await http.good(
        "POST", "/keys", {"name": "limited", "scopes": scopes, "branches": ["a"]}
    )
    limited = made["key"]
    await http.until(200, "/me", key=limited)

    async def status(path: str, body: object, method: str = "POST") -> int:
        return (await http.ask(method, path, body, key=limited)).status_code

    wide = {"name": "x", "scopes": ["contacts:read"]}
    assert await status("/keys", wide) == 403
    assert await status("/keys", {**wide, "branches": ["a", "b"]}) == 403
    assert await status("/keys", {**wide, "scopes": ["points:write"], "branches": ["a"]}) == 403
    assert await status("/keys", {**wide, "branches": ["a"]}) == 201
    assert await status("/staff/x", {"role": "admin"}, "PUT") == 403
    assert await status("/staff/admin", {"role": "agent", "branches": ["a"]}, "PUT") == 404
    assert await status("/staff/admin/password", None) == 404
    assert await status("/branches/a", {}, "PUT") == 403
    seen = (await http.ask("GET", "/keys", key=limited)).json()["items"]
    assert {one["name"] for one in seen} == {"limited", "x"}
    first = http.key.split("_")[2]
    assert await status(f"/keys/{first}/revoke", None) == 404


async def test_a_publishable_key_is_write_only_and_knows_its_origins(http: Http) -> None:
    body = {"name": "site", "purpose": "publishable"}
    assert (await http.ask("POST", "/keys", body)).status_code == 422
    unknown = await http.ask("POST", "/keys", {"name": "x", "scopes": ["all"]})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_scope")
    wide = await http.ask("POST", "/keys", {**body, "scopes": ["contacts:read"], "origins": []})
    assert wide.json()["code"] == "not_write_only"
    made = await http.good("POST", "/keys", {**body, "origins": ["https://a.ru"]})
    assert made["scopes"] == ["answers:write", "events:push"]
    await http.until(200, "/me", key=made["key"])
    elsewhere = await http.ask("GET", "/me", key=made["key"], Origin="https://evil.example")
    assert elsewhere.status_code == 401
    assert (await http.ask("GET", "/branches", key=made["key"])).status_code == 403


async def test_a_repeated_request_makes_one_key_and_shows_it_once(http: Http) -> None:
    body = {"name": "crm", "scopes": ["events:push"]}
    first = await http.ask("POST", "/keys", body, Idempotency_Key="k1")
    again = await http.ask("POST", "/keys", body, Idempotency_Key="k1")
    assert (first.json()["id"], again.json()["key"]) == (again.json()["id"], None)
    assert first.json()["key"].startswith(f"otk_{http.world.tenant}_")
    kept = await http.world.admin.fetch("SELECT convert_from(body, 'UTF8') FROM access.idempotency")
    assert all(first.json()["key"][-30:] not in row[0] for row in kept)


async def test_a_revoked_key_is_dead_within_five_seconds(http: Http) -> None:
    made = await http.good("POST", "/keys", {"name": "x", "scopes": ["access:read"]})
    await http.until(200, "/branches", key=made["key"])
    await http.good("POST", f"/keys/{made['id']}/revoke")
    assert await http.until(401, "/branches", key=made["key"]) < 5


async def test_both_keys_of_a_rotation_work_until_the_overlap_ends(http: Http) -> None:
    old = await http.good("POST", "/keys", {"name": "x", "scopes": ["access:read"]})
    await http.until(200, "/branches", key=old["key"])
    new = await http.good("POST", f"/keys/{old['id']}/rotate", {"overlap_seconds": 4})
    await http.until(200, "/branches", key=new["key"])
    assert (await http.ask("GET", "/branches", key=old["key"])).status_code == 200
    assert await http.until(401, "/branches", key=old["key"]) < 8
    assert (await http.ask("GET", "/branches", key=new["key"])).status_code == 200
    third = await http.ask("POST", f"/keys/{old['id']}/rotate", {})
    assert (third.status_code, third.json()["code"]) == (409, "key_not_alive")


async def test_a_customer_token_sees_one_customer(http: Http) -> None:
    made = await http.good("POST", "/customer-tokens", {"external_id": "c-1"})
    me = (await http.ask("GET", "/me", key=made["token"])).json()
    pseudonym = http.world.platform.pseudonyms.external(http.world.tenant, "c-1")
    assert pseudonym is not None
    customer = str(subject_id(http.world.tenant, "customer", pseudonym))
    assert (me["customer"], me["scopes"], me["branches"]) == (customer, ["self"], [])
    assert "c-1" not in made["token"]
    assert (await http.ask("GET", "/branches", key=made["token"])).status_code == 403
    admin = await http.sign_in(http.world.made.login, http.world.made.password or "")
    by_hand = await http.ask("POST", "/customer-tokens", {"external_id": "c-1"}, key=admin["token"])
    assert by_hand.status_code == 403


async def test_an_app_calls_only_from_where_the_company_allows(http: Http) -> None:
    await http.good("PATCH", "/companies/current", {"origins": ["https://a.ru"]}, If_Match="*")
    foreign = {"external_id": "c", "origins": ["https://b.ru"]}
    refused = await http.ask("POST", "/customer-tokens", foreign)
    assert refused.json()["code"] == "origin_not_allowed"
    token = (await http.good("POST", "/customer-tokens", {"external_id": "c"}))["token"]
    assert (await http.ask("GET", "/me", key=token, Origin="https://a.ru")).status_code == 200
    assert (await http.ask("GET", "/me", key=token, Origin="https://b.ru")).status_code == 401


async def test_the_audit_trail_says_who_did_what_without_values(http: Http) -> None:
    await http.good("PUT", "/staff/p", {"role": "agent", "name": "Зоя Канарейкина"})
    await http.good("PUT", "/staff/p", {"role": "agent", "name": "Зоя Воробьёва"})
    answer = await http.ask("GET", "/audit?object_kind=member&object_id=p")
    lines = answer.json()["items"]
    assert [line["action"] for line in lines] == ["put", "put"]
    assert lines[0]["fields"] == ["name"]
    assert lines[0]["principal"] == f"key:{http.key.split('_')[2]}"
    assert lines[0]["request_id"]
    assert "Канарейкина" not in answer.text
    assert "Воробьёва" not in answer.text


async def test_who_asks_for_a_customer_s_token_is_written_down(http: Http) -> None:
    made = await http.good("POST", "/customer-tokens", {"external_id": "c-1"})
    lines = (await http.good("GET", "/audit?object_kind=customer"))["items"]
    assert [(line["action"], line["object_id"]) for line in lines] == [
        ("make_customer_token", made["customer"])
    ]
    assert lines[0]["principal"] == f"key:{http.key.split('_')[2]}"
    assert lines[0]["request_id"]
    await http.ask("POST", "/customer-tokens", {"external_id": " "})
    assert len((await http.good("GET", "/audit?object_kind=customer"))["items"]) == 1


async def test_the_last_admin_stays(http: Http) -> None:
    refused = await http.ask("PUT", "/staff/admin", {"role": "agent"})
    assert (refused.status_code, refused.json()["code"]) == (409, "last_admin")
    await http.good("PUT", "/staff/second", {"role": "admin"})
    await http.good("PUT", "/staff/admin", {"role": "agent"})


async def test_a_login_is_one_person_s(http: Http) -> None:
    await http.good("PUT", "/staff/a", {"role": "agent", "login": "anna"})
    taken = await http.ask("PUT", "/staff/b", {"role": "agent", "login": "anna"})
    assert (taken.status_code, taken.json()["code"]) == (409, "login_taken")
    assert (await http.good("GET", "/staff/a"))["login"] == f"anna@{http.world.tenant}"


async def test_writers_at_the_same_time_make_revisions_without_gaps(http: Http) -> None:
    bodies = [{"names": {"ru": str(number)}} for number in range(12)]
    answers = await asyncio.gather(*(http.ask("PUT", "/branches/a", body) for body in bodies))
    assert sorted(int(answer.headers["etag"].strip('"')) for answer in answers) == list(
        range(1, 13)
    )


async def test_another_company_is_as_if_it_were_not_there(http: Http) -> None:
    foreign = http.key.replace(http.world.tenant, short_id())
    assert (await http.ask("GET", "/me", key=foreign)).status_code == 401
    assert (await http.ask("GET", "/me", key="")).status_code == 401
