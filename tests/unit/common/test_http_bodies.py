"""What every application takes in: fields, times and sizes, and how it names what is wrong."""

import gzip
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Self

import httpx
import pytest
from pydantic import BaseModel, ValidationError, model_validator

from otklik_common import http
from otklik_common.batches import Malformed, items_of
from tests.unit.common.things import CANARY, Body, Endless, a_body, call, make_app


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
async def test_a_parameter_that_stands_twice_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get("/things/v1/list?limit=1&limit=2&branch=x")
    problem = answer.json()
    assert answer.status_code == 422
    assert [(one["field"], one["code"]) for one in problem["errors"]] == [
        ("query.limit", "repeated")
    ]


def test_a_rule_of_ours_keeps_its_words_under_a_code_that_pydantic_has_too() -> None:
    class Ruled(http.StrictModel):
        a: int | None = None

        @model_validator(mode="after")
        def _said(self) -> Self:
            raise http.bad_value("missing", "a or b is needed", "нужно a или b")

    with pytest.raises(ValidationError) as wrong:
        Ruled.model_validate({})
    [error] = http.field_errors(wrong.value)
    assert (error.code, error.detail, error.detail_ru) == (
        "missing",
        "a or b is needed",
        "нужно a или b",
    )


def test_a_choice_is_told_in_one_language() -> None:
    class Choice(BaseModel):
        state: Literal["kept", "broken"]

    with pytest.raises(ValidationError) as wrong:
        Choice.model_validate({"state": "lost"})
    (told,) = http.field_errors(wrong.value)
    assert told.detail == "must be 'kept' or 'broken'"
    assert told.detail_ru == "допустимо: 'kept' или 'broken'"


def test_an_empty_batch_is_a_body_that_was_lost() -> None:
    with pytest.raises(Malformed, match="empty"):
        items_of(b"")
    with pytest.raises(Malformed, match="empty"):
        items_of(b" \r\n")
    assert items_of(b"[]") == []


@pytest.mark.asyncio
async def test_a_compressed_body_is_refused_unread(client: httpx.AsyncClient) -> None:
    bomb = gzip.compress(b"0" * 10 * http.MIB)
    for coding in ("gzip", "br", "deflate, gzip", "GZIP"):
        headers = {"Content-Type": "application/json", "Content-Encoding": coding}
        answer = await client.post("/things/v1/things", content=bomb, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_content_encoding")
        assert answer.headers["accept-encoding"] == "identity"
    plain = await client.post(
        "/things/v1/things", json=a_body(), headers={"Content-Encoding": "identity"}
    )
    assert plain.status_code == 201
