"""Every route × every caller × whose object: what is answered, in one table."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount

from tests.support.app import forget_limits, running_app
from tests.support.postgres import PostgresServer
from tests.support.routes_table import (
    CALLERS,
    LIMITED,
    PUBLIC,
    QUERY,
    Ask,
    Place,
    Row,
    answer,
    event,
    expected,
    lead_step,
    purchase,
)
from tests.support.routes_table_feedback import review
from tests.support.routes_table_rows import PAGES, TABLE
from tests.support.routes_world import World, a_file, build

pytestmark = [pytest.mark.system, pytest.mark.asyncio]


@pytest_asyncio.fixture(scope="module")
async def world(postgres: PostgresServer) -> AsyncIterator[World]:
    """Two companies, known to every service; the workers have stopped, so nothing changes."""
    async with running_app(postgres, "routes") as running:
        async with running.at_work():
            made = await build(running)
        for module in ("access", "contact_center", "feedback", "loyalty", "metrics"):
            for tenant in (made.ours.tenant, made.rival.tenant):
                running.platform.directory(module).forget(tenant)
        yield made


def routes_of(app: FastAPI) -> list[str]:
    """`METHOD /path/{template}` of everything that is answered; HEAD goes with GET."""
    found = []
    for context in iter_route_contexts(app.router.routes):
        methods = {"GET"} if isinstance(context.original_route, Mount) else context.methods or set()
        found += [f"{method} {context.path}" for method in methods - {"HEAD"}]
    return sorted(found)


async def test_the_table_names_every_route_and_no_other(world: World) -> None:
    found = routes_of(world.running.app)
    assert len(found) == len(set(found)), "two routes under one address"
    assert set(found) - set(TABLE) == set(), "routes without a row"
    assert set(TABLE) - set(found) == set(), "rows without a route"


@dataclass
class Asked:
    """One cell of the table, asked."""

    route: str
    row: Row
    caller: str
    place: Place
    id: str
    answer: httpx.Response
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        what = f" of {self.row.of}" if self.row.of else ""
        return f"{self.route}{what} · {self.caller} · {self.place}"


async def ask(world: World, route: str, row: Row, caller: str, place: Place) -> Asked:
    """Ask one cell."""
    method, template = route.split(" ", 1)
    number = next(world.numbers)
    named = ""
    if row.of is not None:
        known = world.rival if place == "foreign" else world.ours
        succeeds = expected(row, caller, place) < 400
        if place == "missing" or (row.fresh and succeeds):
            named = await world.thing(row.of, place)
        else:
            named = known.things[f"{row.of} {place}"]
    fill = Filling(row.of, named, number)
    path = re.sub(r"\{(\w+)(?::\w+)?\}", fill, template)
    path = "/static/page.css" if path == "/static" else path
    asked = Ask(
        named,
        place,
        number,
        {"survey": world.ours.survey, "file": a_file(f"f{number}")},  # type: ignore[dict-item]
    )
    fields = {"id": named, "number": number}
    more: dict[str, Any] = {
        "headers": {name: value.format(**fields) for name, value in row.headers.items()},
        "params": {name: value.format(**fields) for name, value in row.query.items()},
    }
    token = token_of(world, row, caller)
    if route in PAGES and token:
        more["headers"]["Cookie"] = f"otklik_session={token}"
        token = None
    body = row.body(asked) if row.body else None
    answer = await world.ask(method, path, body, key=token, **more)
    return Asked(route, row, caller, place, named, answer)


@dataclass
class Filling:
    """Puts ids into a path: the object's own, and made-up ones for the rest."""

    of: str | None
    id: str
    number: int

    def __call__(self, found: re.Match[str]) -> str:
        name = found[1]
        if name == "number":
            return "0"
        if name == "version":
            return "1"
        if name == "name":
            return "calls"
        mine = self.of is not None and (
            name.startswith(self.of)
            or name
            in (
                "claim",
                "code",
                "source_id",
                "evaluation_id",
                "contact_id",
                "calibration_id",
                "visit_id",
            )
        )
        return self.id if mine else f"{name}-{self.number}"


def token_of(world: World, row: Row, caller: str) -> str | None:
    """What the caller shows."""
    if caller == "nobody":
        return None
    named = [scope for scope in row.scopes.split() if ":" in scope]
    if caller == "right key":
        return world.tokens[f"key {named[0] if named else 'demo:write'}"]
    if caller == "wrong key":
        return world.tokens["key points:read" if "demo:write" in named else "key demo:write"]
    return world.tokens[caller]


async def asked_all(world: World, route: str, row: Row) -> list[Asked]:
    """The row's cells, all of them."""
    found = []
    for caller in CALLERS:
        forget_limits()
        for place in row.places:
            if caller == "rival" and place == "foreign":
                continue  # it is their own
            found.append(await ask(world, route, row, caller, place))
    return found


def cells() -> Iterator[tuple[str, Row]]:
    for route, rows in TABLE.items():
        for row in rows:
            yield route, row


async def test_every_cell_is_answered_as_the_table_says(world: World) -> None:
    world.seen = await seen_by_rival(world)
    wrong: list[str] = []
    for route, row in cells():
        found = await asked_all(world, route, row)
        for one in found:
            wrong += checked(world, one)
        wrong += told_apart(found)
    assert not wrong, f"{len(wrong)} cells:\n" + "\n".join(wrong)


def checked(world: World, one: Asked) -> list[str]:
    """What is wrong with an answer by itself."""
    answer, status = one.answer, expected(one.row, one.caller, one.place)
    wrong = []
    if answer.status_code != status:
        wrong.append(
            f"{one}: {answer.status_code}, not {status}: {' '.join(answer.text.split())[:300]}"
        )
    if answer.is_error and one.route not in PAGES:
        if answer.headers["content-type"] != "application/problem+json":
            wrong.append(f"{one}: no problem document")
        if answer.status_code == 401 and "www-authenticate" not in answer.headers:
            wrong.append(f"{one}: 401 without WWW-Authenticate")
    hidden = [word for word in foreign_words(world, one) if word in answer.text]
    if hidden and one.row.scopes != PUBLIC:
        wrong.append(f"{one}: tells of {hidden}: {' '.join(answer.text.split())[:300]}")
    return wrong


def foreign_words(world: World, one: Asked) -> list[str]:
    """What must not stand in the answer: words of companies and branches out of reach."""
    theirs = world.ours if one.caller == "rival" else world.rival
    words = [theirs.tenant, theirs.word, *(["south"] if one.caller in LIMITED else [])]
    said = one.answer.request.url.path + str(one.answer.request.url.query)
    said += one.answer.request.content.decode("utf-8", "ignore")
    return [word for word in words if word not in (*one.row.shows,) and word not in said]


def told_apart(found: list[Asked]) -> list[str]:
    """Cells where a foreign or distant object is answered otherwise than a missing one."""
    wrong = []
    for caller in CALLERS:
        mine = {one.place: one for one in found if one.caller == caller}
        missing = mine.get("missing")
        if missing is None or missing.answer.is_success:
            continue
        for place in ("own", "other", "foreign"):
            one = mine.get(place)
            if one is None or expected(one.row, caller, place) != one.row.missing:
                continue
            if plain(one) != plain(missing):
                pairs = zip(plain(one), plain(missing), strict=True)
                wrong.append(
                    f"{one} is told from a missing one: {[p for p in pairs if p[0] != p[1]]}"
                )
    return wrong


VARYING = {"x-request-id", "content-length", "ratelimit", "date"}


def plain(one: Asked) -> tuple[int, list[tuple[str, str]], str]:
    """An answer without what differs between any two requests."""
    headers = [(n, v) for n, v in one.answer.headers.items() if n not in VARYING]
    text = one.answer.text.replace(one.answer.headers["x-request-id"], "<request>")
    return one.answer.status_code, headers, text.replace(one.id, "<id>")


async def test_nothing_of_the_rival_was_touched(world: World) -> None:
    """By its own eyes, before and after everybody had asked for its objects."""
    if not world.seen:
        pytest.fail("run the whole module: the table is asked first")
    assert await seen_by_rival(world) == world.seen


async def seen_by_rival(world: World) -> dict[str, str]:
    """What the rival reads of the objects that others ask for."""
    found: dict[str, str] = {}
    for route, row in cells():
        if route.startswith("GET") and row.of and route not in PAGES:
            named = world.rival.things[f"{row.of} foreign"]
            path = re.sub(r"\{\w+\}", named, route.replace("{version}", "1").removeprefix("GET "))
            query = {name: said.format(id=named, number=0) for name, said in row.query.items()}
            answer = await world.ask("GET", path, key=world.rival.key, params=query)
            assert answer.status_code == 200, f"{route}: {answer.text}"
            found[path] = answer.text
    return found


LISTS = (
    "GET /feedback/v1/answers?branch=south",
    "GET /feedback/v1/cases?branch=south",
    "GET /feedback/v1/reviews?branch=south",
    "GET /feedback/v1/claims?branch=south",
    "GET /contact-center/v1/contacts?branch=south",
    "GET /contact-center/v1/leads?branch=south",
    "GET /access/v1/staff",
    "GET /access/v1/branches",
)


@pytest.mark.parametrize("caller", sorted(LIMITED))
async def test_no_filter_reaches_further_than_the_caller(world: World, caller: str) -> None:
    for route in LISTS:
        answer = await world.ask(*route.split(" "), key=world.tokens[caller])
        if answer.status_code == 403:
            continue
        if "?" in route:
            assert answer.json()["items"] == [], (caller, route)
        everything = await world.ask(*route.split(" "), key=world.ours.key)
        assert '"south"' in everything.text, f"{route} has nothing to hide"
    asked = QUERY | {"filters": [{"dimension": "branch", "op": "eq", "value": "south"}]}
    # Two contacts in the north: one of them opened a lead that is asked about.
    for body, count in ((QUERY, 2), (asked, 0)):
        answer = await world.ask("POST", "/metrics/v1/query", body, key=world.tokens[caller])
        assert "south" not in answer.text
        counted = [row["contacts_offered"]["value"] for row in answer.json()["rows"]]
        assert sum(counted) == count, (caller, answer.text)


async def test_a_key_of_one_branch_writes_to_no_other(world: World) -> None:
    """In batches, where the answer is 202 whatever becomes of an item."""
    own, other = (
        Ask("", place, next(world.numbers), {"survey": world.ours.survey})
        for place in ("own", "other")
    )
    for path, make in (
        ("/contact-center/v1/events", event),
        ("/contact-center/v1/lead-steps", lead_step),
        ("/feedback/v1/answers:batch", lambda ask: answer(ask, id=f"x{ask.number}")),
        ("/feedback/v1/reviews:batch", review),
        ("/loyalty/v1/purchases:batch", lambda ask: purchase(ask) | {"id": f"x{ask.number}"}),
    ):
        done = await world.ask(
            "POST", path, [make(own), make(other)], key=world.tokens["narrow key"]
        )
        assert done.status_code == 202, done.text
        assert done.json()["accepted"] == 1, f"{path}: {done.text}"
        assert [no["code"] for no in done.json()["refused"]] == ["branch_out_of_reach"], path
