"""How every application says no: a problem in two languages, with a code and no value."""

import json
import re
from uuid import UUID

import httpx
import pytest

from tests.unit.common.things import CANARY, Endless, call, make_app


@pytest.mark.asyncio
async def test_a_refusal_is_a_problem_in_the_readers_language(client: httpx.AsyncClient) -> None:
    url = "/things/v1/things/foreign"
    english = await client.get(url, headers={"Accept-Language": "en-GB,ru;q=0.5"})
    russian = await client.get(url)
    assert english.status_code == russian.status_code == 404
    assert english.headers["content-type"] == "application/problem+json"
    body = english.json()
    assert body["type"] == "urn:otklik:problem:survey_not_found"
    assert body["code"] == "survey_not_found"
    assert (body["title"], body["detail"]) == ("Not found", "no survey 7")
    assert body["extra_member"] == str(UUID(int=7))
    assert body["instance"] == f"urn:otklik:request:{body['request_id']}"
    assert body["request_id"] == english.headers["x-request-id"]
    assert (russian.json()["title"], russian.json()["detail"]) == ("Не найдено", "нет опроса 7")
    assert russian.headers["content-language"] == "ru"
    assert russian.headers["vary"] == "Accept-Language"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("DELETE", "/things/v1/list", 405, "method_not_allowed"),
        ("GET", "/things/v1/things/broken", 500, "internal"),
        ("GET", "/things/v1/things/busy", 503, "busy"),
        ("GET", "/things/v1/things/a%00b", 400, "malformed_address"),
        ("GET", "/things/v1/list?branch=a%00b", 400, "malformed_address"),
        ("GET", "/things/v1/list?limit=0", 422, "invalid"),
        ("GET", "/things/v1/list?limit=201", 422, "invalid"),
        ("GET", "/things/v1/list?limit=x", 422, "invalid"),
        ("GET", "/things/v1/list?brunch=1", 422, "invalid"),
        ("GET", "/things/v1/things/1?any=1", 422, "invalid"),
    ],
)
async def test_every_no_has_its_code(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    if status == 405:
        assert answer.headers["allow"] == "GET"
    if status == 503:
        assert answer.headers["retry-after"] == "1"


@pytest.mark.asyncio
async def test_a_fault_tells_the_caller_nothing_and_the_log_no_value(
    client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = await client.get("/things/v1/things/broken")
    assert set(answer.json()) == {"type", "title", "status", "code", "instance", "request_id"}
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    fault = next(line for line in lines if line["event"] == "request failed")
    assert fault["error"] == "ValueError"
    assert any("things.py" in place and "get_thing" in place for place in fault["places"])
    assert fault["request_id"] == answer.json()["request_id"]
    assert CANARY not in json.dumps(lines)


@pytest.mark.asyncio
async def test_an_answer_broken_off_is_logged_and_raised(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(RuntimeError):
        await call(make_app(), "/stream/1", Endless().receive, [])
    logged = capsys.readouterr().err
    assert "answer broken off" in logged
    assert CANARY not in logged


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "ru"),
        ("*", "ru"),
        ("de", "ru"),
        ("en", "en"),
        ("en-US,en;q=0.9,ru;q=0.8", "en"),
        ("ru-RU, en", "ru"),
        ("en;q=0.1, ru;q=0.2", "ru"),
        ("en;q=0", "ru"),
        ("en;q=oops", "ru"),
        ("de;q=1, en;q=0.3", "en"),
    ],
)
async def test_the_language_is_the_callers_choice(
    client: httpx.AsyncClient, header: str, language: str
) -> None:
    answer = await client.get("/things/v1/language", headers={"Accept-Language": header})
    assert answer.json() == language


@pytest.mark.asyncio
async def test_the_openapi_document_speaks_of_problems_only() -> None:
    document = make_app().openapi()
    text = json.dumps(document)
    assert "HTTPValidationError" not in text
    for path in document["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    assert list(response["content"]) == ["application/problem+json"]
    assert document["components"]["schemas"]["Problem"]["required"] == [
        "type",
        "title",
        "status",
        "code",
    ]
    assert set(re.findall(r"#/components/schemas/(\w+)", text)) <= set(
        document["components"]["schemas"]
    )


@pytest.mark.asyncio
async def test_a_method_that_is_not_taken_is_told_all_that_are(client: httpx.AsyncClient) -> None:
    for method in ("POST", "DELETE", "OPTIONS", "TRACE"):
        answer = await client.request(method, "/things/v1/things/7")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, PUT")
        assert answer.json()["detail"] == "этот адрес принимает GET, PUT"


@pytest.mark.asyncio
async def test_every_route_is_described_with_what_the_edge_answers() -> None:
    paths = make_app().openapi()["paths"]
    assert paths["/things/v1/list"]["get"]["responses"].keys() == {
        "200",
        "400",
        "401",
        "422",
        "503",
    }
    made = paths["/things/v1/things"]["post"]["responses"]
    assert made.keys() == {"201", "400", "401", "413", "415", "422", "503"}
    assert made["401"]["headers"]["WWW-Authenticate"]["required"]
    assert made["503"]["headers"]["Retry-After"]["required"]
    [if_match] = [
        one
        for one in paths["/things/v1/things/{thing_id}"]["put"]["parameters"]
        if one["in"] == "header"
    ]
    assert if_match["required"], "an edit without it is 428"
    assert "anyOf" not in if_match["schema"], "no header says null"
