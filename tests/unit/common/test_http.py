"""How every application answers: problems in two languages, limits, careful headers."""

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from fastapi import APIRouter, FastAPI, Query, Request, Response
from prometheus_client import CollectorRegistry
from pydantic import Field
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.routing import Route
from starlette.types import Message, Receive

from otklik_common import http
from otklik_common.settings import Settings

CANARY = "+79995550123"


class NoSuchSurvey(http.NotFound):
    code = "survey_not_found"


class Line(http.StrictModel):
    id: str = Field(max_length=10)
    amount: int = Field(ge=1)


class Body(http.StrictModel):
    id: UUID
    at: http.AwareTime
    name: str | None = Field(default=None, max_length=20)
    lines: tuple[Line, ...] = ()
    attributes: dict[str, Any] = Field(default_factory=dict)


class Broken(Response):
    """An answer that fails after its head was sent."""

    async def __call__(self, *asgi: Any) -> None:
        send = asgi[2]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError(CANARY)


def make_app(registry: CollectorRegistry | None = None) -> FastAPI:  # noqa: C901 - its routes
    app = FastAPI(title="test")
    settings = Settings(database_url="postgresql://nowhere", public_url="https://otklik.example")
    http.install(app, settings, registry or CollectorRegistry())
    router = APIRouter(prefix="/things/v1")

    @router.get("/things/{thing_id}", responses=http.PROBLEMS(404, 422))
    async def get_thing(thing_id: str, request: Request) -> dict[str, str]:
        if thing_id == "broken":
            raise ValueError(f"cannot read {CANARY}")
        if thing_id == "busy":
            raise PoolTimeout
        if thing_id == "foreign":
            raise NoSuchSurvey("no survey 7", detail_ru="нет опроса 7", extra_member=UUID(int=7))
        return {"id": thing_id, "route": http.route_of(request.scope)}

    @router.post("/things", status_code=201)
    async def post_thing(body: Body, now: http.Now) -> dict[str, bool]:
        return {"flagged": http.check_time(body.at, now)}

    @router.get("/list")
    async def list_things(
        limit: Annotated[int, Query(ge=1, le=200)] = 50, branch: str | None = None
    ) -> dict[str, Any]:
        return {"limit": limit, "branch": branch}

    @router.get("/language")
    async def read_language(language: http.Language) -> str:
        return language

    @router.put("/things/{thing_id}")
    async def edit(thing_id: str, expected: http.MustMatch, response: Response) -> str:
        expected.check(3)
        response.headers["ETag"] = http.etag(4)
        return thing_id

    @router.post("/large")
    @http.edge(body_limit=3 * http.MIB, quiet=True)
    async def large(request: Request) -> int:
        return len(await request.body())

    async def raw(request: Request) -> Response:
        return Response(str(len(await request.body())))

    async def stream(request: Request) -> Response:
        return Broken()

    app.include_router(router)
    app.router.routes.append(Route("/raw/{thing_id}", raw, methods=["POST"]))
    app.router.routes.append(Route("/stream/{thing_id}", stream, methods=["POST"]))
    return app


@pytest_asyncio.fixture(scope="module")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(make_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def a_body(**fields: Any) -> dict[str, Any]:
    return {"id": str(UUID(int=1)), "at": datetime.now(UTC).isoformat(), **fields}


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
    assert any("test_http.py" in place and "get_thing" in place for place in fault["places"])
    assert fault["request_id"] == answer.json()["request_id"]
    assert CANARY not in json.dumps(lines)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({"at": "2026-03-02T09:14:05"}, "at", "time_without_zone"),
        ({"at": "1772432045"}, "at", "malformed"),
        ({"at": 1772432045}, "at", "malformed"),
        ({"at": None}, "at", "malformed"),
        ({"id": CANARY}, "id", "malformed"),
        ({"phone": CANARY}, "phone", "unknown_field"),
        ({"name": 7}, "name", "wrong_type"),
        ({"name": "x" * 21}, "name", "too_long"),
        ({"name": "a\x00b"}, "name", "malformed"),
        ({"name": "\ud83d"}, "name", "invalid"),
        ({"lines": [{"id": "1", "amount": "5"}]}, "lines.0.amount", "wrong_type"),
        ({"lines": [{"id": "1", "amount": 5.0}]}, "lines.0.amount", "wrong_type"),
        ({"lines": [{"id": "1", "amount": True}]}, "lines.0.amount", "wrong_type"),
        ({"lines": [{"id": "1", "amount": 0}]}, "lines.0.amount", "out_of_range"),
        ({"lines": [{"id": "1", "amount": 10**30 * -1}]}, "lines.0.amount", "out_of_range"),
        ({"lines": [{"id": "1"}]}, "lines.0.amount", "missing"),
        ({"lines": [CANARY]}, "lines.0", "wrong_type"),
        ({"lines": {}}, "lines", "wrong_type"),
        ({"attributes": {"a": "\x00"}}, "attributes.a", "malformed"),
        ({"attributes": {"a": float("nan")}}, "attributes.a", "out_of_range"),
    ],
)
async def test_a_bad_field_is_named_with_its_code_and_never_its_value(
    client: httpx.AsyncClient, fields: dict[str, Any], field: str, code: str
) -> None:
    body = json.dumps(a_body(**fields)).encode()
    answer = await client.post(
        "/things/v1/things", content=body, headers={"Content-Type": "application/json"}
    )
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "invalid")
    assert [(error["field"], error["code"]) for error in problem["errors"]] == [(field, code)]
    assert CANARY not in answer.text
    assert re.search("[а-я]", problem["errors"][0]["detail"])


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"id": "0000', 400, "malformed_json"),
        (b"", 422, "invalid"),
        (b"null", 422, "invalid"),
        (b"[]", 422, "invalid"),
        (b'"text"', 422, "invalid"),
        (b'{"name": "\xff\xfe"}', 400, "malformed_json"),
        (b'{"name": "\xed\xa0\x80"}', 422, "invalid"),
        (b'{"a":' * 100_000, 400, "malformed_json"),
        (b"[" * 500_000, 400, "malformed_json"),
        (b'{"attributes": {"a": ' + b"[" * 200 + b"]" * 200 + b"}}", 422, "invalid"),
        (b'{"n": ' + b"9" * 5000 + b"}", 400, "malformed_json"),
        (b'{"id": 1,}', 400, "malformed_json"),
        (b"{} {}", 400, "malformed_json"),
    ],
)
async def test_a_body_that_is_no_such_object_is_refused(
    client: httpx.AsyncClient, body: bytes, status: int, code: str
) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await client.post("/things/v1/things", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.asyncio
async def test_what_is_not_json_is_415(client: httpx.AsyncClient) -> None:
    for kind in ("text/plain", "application/xml", "multipart/form-data; boundary=x"):
        answer = await client.post(
            "/things/v1/things", content=b"<a/>", headers={"Content-Type": kind}
        )
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.asyncio
async def test_times_far_ahead_are_refused_and_somewhat_ahead_flagged(
    client: httpx.AsyncClient,
) -> None:
    now = datetime.now(UTC)
    for ahead, expected in (
        (timedelta(hours=25), (422, "time_in_future")),
        (timedelta(days=-40 * 366), (422, "time_too_old")),
        (timedelta(hours=23), (201, True)),
        (timedelta(minutes=9), (201, False)),
        (timedelta(days=-10_000), (201, False)),
    ):
        answer = await client.post("/things/v1/things", json=a_body(at=(now + ahead).isoformat()))
        told = answer.json()
        assert (answer.status_code, told.get("code", told.get("flagged"))) == expected


@pytest.mark.asyncio
async def test_a_time_means_the_same_in_every_offset() -> None:
    moscow = Body.model_validate(a_body(at="2026-03-02T09:14:05+03:00"))
    assert moscow.at == datetime(2026, 3, 2, 6, 14, 5, tzinfo=UTC)
    assert moscow.at.tzinfo is UTC


@pytest.mark.asyncio
async def test_a_body_within_its_limit_is_read(client: httpx.AsyncClient) -> None:
    answer = await client.post("/things/v1/large", content=b"x" * (2 * http.MIB))
    assert answer.json() == 2 * http.MIB
    assert (await client.post("/raw/1", content=b"x" * http.MIB)).text == str(http.MIB)


class Endless:
    """A body that counts how much of itself was taken."""

    def __init__(self) -> None:
        self.taken = 0

    async def receive(self) -> Message:
        self.taken += 65536
        return {"type": "http.request", "body": b"x" * 65536, "more_body": True}


async def call(
    app: FastAPI, path: str, receive: Receive, headers: list[tuple[bytes, bytes]]
) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    await app(scope, receive, send)
    return sent


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("path", "limit"),
    [("/things/v1/things", http.MIB), ("/things/v1/large", 3 * http.MIB), ("/raw/1", http.MIB)],
)
async def test_an_oversize_body_is_refused_before_it_is_read(path: str, limit: int) -> None:
    app = make_app()
    json_kind = (b"content-type", b"application/json")
    chunked, announced = Endless(), Endless()
    first = await call(app, path, chunked.receive, [json_kind])
    length = (b"content-length", str(limit + 1).encode())
    second = await call(app, path, announced.receive, [json_kind, length])
    assert chunked.taken <= limit + 2 * 65536
    assert announced.taken == 0
    for sent in (first, second):
        problem = json.loads(sent[1]["body"])
        assert (sent[0]["status"], problem["code"]) == (413, "body_too_large")
        assert (b"connection", b"close") in sent[0]["headers"]


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
