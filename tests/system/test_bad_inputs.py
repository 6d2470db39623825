"""Bad bodies, queries, headers and ids, to every route: refused with what is wrong, nothing kept."""

import gzip
import re
from collections.abc import AsyncIterator
from itertools import cycle
from typing import Any

import httpx
import pytest
import pytest_asyncio

from otklik_common.http import MIB
from tests.support.app import forget_limits, running_app
from tests.support.bad_inputs import (
    HEADERS,
    IDS,
    IGNORED,
    JSON,
    KINDS,
    QUERIES,
    UNSAFE,
    Operation,
    bad_bodies,
    operations,
)
from tests.support.postgres import PostgresServer
from tests.support.routes_world import World, build

pytestmark = [pytest.mark.system, pytest.mark.asyncio]

LANGUAGES = ("en", "ru")
BOMB = gzip.compress(b"0" * 10 * MIB)
TOLD_APART = {"contact_center.refused", "contact_center.sources", "access.api_key_seen"}
"""Tables that may grow: refused events are kept for replay, and keys are seen."""


@pytest_asyncio.fixture(scope="module")
async def world(postgres: PostgresServer) -> AsyncIterator[World]:
    """Two companies; the workers have stopped, so that only requests change anything."""
    async with running_app(postgres, "bad_inputs") as running:
        async with running.at_work():
            made = await build(running)
        yield made


@pytest.fixture
def routes(world: World) -> list[Operation]:
    """Every route that is described."""
    found = operations(world.running.app.openapi())
    assert len(found) >= 80
    return found


async def ask(world: World, one: Operation, address: str, **more: Any) -> httpx.Response:
    """A request with a key that may do everything."""
    forget_limits()
    key = f"Bearer {world.ours.key}".encode()
    headers = [(b"Authorization", key), *more.pop("headers", [])]
    client = world.running.client
    return await client.request(one.method.upper(), address, headers=headers, **more)


def faults(answer: httpx.Response, language: str) -> str | None:
    """What is wrong with a refusal; None: it says what was wrong, in the reader's language."""
    if not 400 <= answer.status_code < 500:
        return f"{answer.status_code} {answer.text[:200]}"
    if answer.headers["content-type"] != "application/problem+json":
        return f"no problem document: {answer.text[:200]}"
    told = answer.json()
    if not re.fullmatch(r"[a-z][a-z0-9_]+", told["code"]):
        return f"the code is {told['code']!r}"
    texts = [told.get("detail", ""), *(one["detail"] for one in told.get("errors", ()))]
    wrong = [text for text in texts if bool(re.search("[а-яё]", text)) != (language == "ru")]
    return f"not in {language}: {wrong}" if wrong or not texts[0] else None


def is_refused_in_part(one: Operation, answer: httpx.Response) -> bool:
    """Whether a batch was answered item by item, with none kept."""
    if not one.takes_many or answer.status_code != 202:
        return False
    told = answer.json()
    return bool(told["accepted"] == 0 and told["refused"])


async def stored(world: World) -> dict[str, int]:
    """Rows of every table."""
    admin = world.running.admin
    tables = await admin.fetch(
        "SELECT schemaname || '.' || tablename AS name FROM pg_tables"
        " WHERE schemaname !~ '^(pg_|information_schema)'"
    )
    return {
        row["name"]: await admin.fetchval(f"SELECT count(*) FROM {row['name']}")
        for row in tables
        if row["name"] not in TOLD_APART
    }


async def test_a_bad_body_is_refused_with_what_is_wrong_and_nothing_is_kept(
    world: World, routes: list[Operation]
) -> None:
    before, wrong, asked = await stored(world), [], 0
    for number, one in enumerate(routes):
        for what, body in bad_bodies(one):
            language = LANGUAGES[(number + asked) % 2]
            headers = [(b"Content-Type", JSON.encode()), _in(language)]
            answer = await ask(world, one, one.address, content=body, headers=headers)
            asked += 1
            fault = faults(answer, language)
            if fault and not is_refused_in_part(one, answer):
                wrong.append(f"{one}: {what}: {fault}")
    assert not wrong, f"{len(wrong)} of {asked}:\n" + "\n".join(wrong)
    assert await stored(world) == before


async def test_json_under_another_name_is_415(world: World, routes: list[Operation]) -> None:
    """Routes that read more than JSON look into the body alone."""
    wrong = []
    for one in routes:
        if one.kinds != (JSON,):
            continue
        for what, kind in KINDS.items():
            headers = [(b"Content-Type", kind.encode()), _in("ru")] if kind else [_in("ru")]
            answer = await ask(world, one, one.address, content=b'{"a": 1}', headers=headers)
            fault = faults(answer, "ru")
            # Where the caller or a header is wrong as well, that is said first.
            if fault or answer.status_code not in (415, 400, 403, 428):
                wrong.append(f"{one}: {what}: {answer.status_code} {fault}")
    assert not wrong, "\n".join(wrong)


async def test_a_compressed_body_is_415(world: World, routes: list[Operation]) -> None:
    wrong = []
    for one in routes:
        if one.kinds:
            coded = [(b"Content-Encoding", b"gzip"), (b"Content-Type", one.kinds[0].encode())]
            answer = await ask(world, one, one.address, content=BOMB, headers=[*coded, _in("ru")])
            fault = faults(answer, "ru")
            if fault or answer.status_code != 415:
                wrong.append(f"{one}: {answer.status_code} {fault}")
    assert not wrong, "\n".join(wrong)


async def test_a_bad_query_is_refused_with_the_parameters_name(
    world: World, routes: list[Operation]
) -> None:
    wrong = []
    for one in routes:
        for language, (what, query) in zip(cycle(LANGUAGES), QUERIES.items(), strict=False):
            address = f"{one.address}?{query}"
            answer = await ask(world, one, address, headers=[_in(language)], content=b"")
            fault = faults(answer, language)
            if fault:
                wrong.append(f"{one}: {what}: {fault}")
    assert not wrong, "\n".join(wrong)


async def test_a_bad_header_is_refused_by_the_routes_that_read_it(
    world: World, routes: list[Operation]
) -> None:
    before, wrong = await stored(world), []
    for one in routes:
        for what, (name, value) in HEADERS.items():
            if name not in one.headers:
                continue
            for language in LANGUAGES:
                headers = [(name.encode(), value), _in(language), (b"Content-Type", JSON.encode())]
                answer = await ask(world, one, one.address, headers=headers, content=b"{}")
                fault = faults(answer, language)
                if fault:
                    wrong.append(f"{one}: {what}: {fault}")
    assert not wrong, "\n".join(wrong)
    assert await stored(world) == before


async def test_what_nobody_reads_changes_nothing(world: World, routes: list[Operation]) -> None:
    wrong = []
    for one in routes:
        if one.method != "get":
            continue
        plain = await ask(world, one, one.address)
        for what, (name, value) in IGNORED.items():
            answer = await ask(world, one, one.address, headers=[(name.encode(), value)])
            if answer.status_code != plain.status_code:
                wrong.append(f"{one}: {what}: {answer.status_code}, not {plain.status_code}")
    assert not wrong, "\n".join(wrong)


async def test_a_bad_id_in_an_address_is_refused_and_reaches_no_header(
    world: World, routes: list[Operation]
) -> None:
    before, wrong = await stored(world), []
    for one in routes:
        if "{" not in one.path:
            continue
        for what, id_ in IDS.items():
            answer = await ask(world, one, one.address_of(id_), headers=[_in("ru")], content=b"{")
            fault = faults(answer, "ru")
            if fault or "x-injected" in answer.headers:
                wrong.append(f"{one}: {what}: {fault}")
    assert not wrong, "\n".join(wrong)
    assert await stored(world) == before


async def test_unsafe_routes_without_a_body_take_none(
    world: World, routes: list[Operation]
) -> None:
    """What they do is said by the address; a body beside it changes nothing and breaks nothing."""
    for one in routes:
        if one.method in UNSAFE and not one.kinds and "{" in one.path:
            headers = [(b"Content-Type", JSON.encode()), _in("en")]
            answer = await ask(world, one, one.address, content=b"\xff{", headers=headers)
            assert answer.status_code == 404, f"{one}: {answer.text}"


def _in(language: str) -> tuple[bytes, bytes]:
    return b"Accept-Language", language.encode()
