"""Pushed, folded, imported, told of agents, taken out again: the ways into the contact centre."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import asyncpg
from httpx import AsyncClient

from otklik_common.db import Database
from otklik_common.directory import Directory
from otklik_common.events.registry import decode
from otklik_common.pseudonym import Pseudonyms, Sealer
from otklik_common.runtime import make_platform
from otklik_common.settings import Settings
from otklik_common.watchdog import Watchdog
from otklik_contact_center.actions import imports_reading
from otklik_contact_center.actions.demo_work import Remover
from otklik_contact_center.actions.fold import Folder
from otklik_contact_center.actions.imports_work import Importing
from otklik_contact_center.actions.meters import Meters
from otklik_contact_center.domain import reading_job
from otklik_contact_center.domain.admission import canonical
from otklik_contact_center.module import MODULE
from otklik_contact_center.workers import Folding
from tests.integration.contact_center.importing import IMPORTS, many
from tests.integration.failpoints.over_http import client_of, found, until_answered
from tests.integration.failpoints.processes import shorten
from tests.integration.failpoints.stage import Scenario, Stage, run_until
from tests.unit.contact_center.builders import a_call, an_event
from tests.unit.contact_center.mapping_builders import a_file, a_mapping_as_json, a_row
from tests.unit.contact_center.test_mango import CREDENTIALS, payloads, pushed

BASE = "/contact-center/v1"
SCHEMA = "contact_center"


async def a_company(settings: Settings) -> None:
    """Nobody has called yet."""
    await found(settings, MODULE)


async def push(client: AsyncClient, body: bytes, path: str = "/events") -> None:
    """Send events until they are taken in."""
    headers = {"Content-Type": "application/json"}
    answer = await until_answered(lambda: client.post(BASE + path, content=body, headers=headers))
    assert answer.status_code == 202


def as_json(*events: Any, refused: str = "") -> bytes:
    """Events, and one that is refused."""
    bodies = [canonical(event) for event in events]
    if refused:
        bodies.append(b'{"id":"%s"}' % refused.encode())
    return b"[" + b",".join(bodies) + b"]"


@asynccontextmanager
async def folding(settings: Settings) -> AsyncIterator[tuple[Database, Folding]]:
    """The worker that folds."""
    worker, api = Database(settings, SCHEMA, "worker"), Database(settings, SCHEMA, "api")
    folder = Folder(
        worker,
        Directory(api),
        sealer=Sealer(settings.master),
        pseudonyms=Pseudonyms(settings.master),
        meters=Meters(None),
    )
    try:
        yield worker, Folding(folder, Watchdog())
    finally:
        await worker.close()
        await api.close()


async def fold_all(settings: Settings) -> None:
    """Fold until nothing waits."""
    admin = await asyncpg.connect(settings.admin_database_url)

    async def nothing_waits() -> bool:
        return not await admin.fetchval("SELECT EXISTS (SELECT FROM contact_center.dirty)")

    try:
        async with folding(settings) as (_, hands):
            await run_until(nothing_waits, hands.run)
    finally:
        await admin.close()


async def facts(stage: Stage) -> list[tuple[str, int]]:
    """Kind and revision of all that was told, but for the default source."""
    rows = await stage.admin.fetch("SELECT payload FROM contact_center.outbox ORDER BY id")
    events = [decode(row["payload"]) for row in rows]
    told = [(event.data.kind, event.revision) for event in events]
    assert len({(event.subject, event.revision) for event in events}) == len(events), told
    return sorted(one for one in told if one[0] != "source")


# --- Pushed and folded ---------------------------------------------------------------------------

CALL = as_json(*a_call(), refused="bad")


async def push_and_fold(settings: Settings) -> None:
    """A call and something that is no event, until it is folded."""
    async with client_of(MODULE, settings) as client:
        await push(client, CALL)
    await fold_all(settings)


async def a_call_is_told_once(stage: Stage) -> None:
    """One contact, one lead; nothing waits, nothing is kept twice."""
    assert await stage.count("contact_center.inbox") == 3
    assert await stage.count("contact_center.refused") == 1
    assert await stage.count("contact_center.dirty") == 0
    assert await stage.count("contact_center.parked") == 0
    assert await stage.count("contact_center.contact") == 1
    assert await facts(stage) == [("contact", 1), ("lead", 1)]


PUSHED = Scenario("pushed", a_company, push_and_fold, a_call_is_told_once)

POISON = as_json(*a_call(), an_event("queued", 5, id="o", contact="call-2", queue="poison"))


async def a_company_with_poison(settings: Settings) -> None:
    """The database refuses a contact of one queue."""
    await a_company(settings)
    admin = await asyncpg.connect(settings.admin_database_url)
    await admin.execute(
        "ALTER TABLE contact_center.contact"
        " ADD CONSTRAINT poison CHECK (queue IS DISTINCT FROM 'poison')"
    )
    await admin.close()


async def push_and_fold_poison(settings: Settings) -> None:
    """A call that can be folded, and one that cannot."""
    async with client_of(MODULE, settings) as client:
        await push(client, POISON)
    await fold_all(settings)


async def poison_is_parked_alone(stage: Stage) -> None:
    """The other call was told of, once."""
    assert await stage.count("contact_center.dirty") == 0
    assert await stage.count("contact_center.parked", "contact = 'call-2'") == 1
    assert await stage.count("contact_center.parked") == 1
    assert await facts(stage) == [("contact", 1), ("lead", 1)]


PARKED = Scenario("parked", a_company_with_poison, push_and_fold_poison, poison_is_parked_alone)

# --- Imported ------------------------------------------------------------------------------------

CHUNK = reading_job.LEAST_CHUNK
FILE = a_file(*many(23), a_row("bad", created="soon"), a_row("r1", closed="2026-03-03 00:00:00"))
IMPORT = {
    "name": "requests.csv",
    "mapping": a_mapping_as_json(),
    "file_sha256": hashlib.sha256(FILE).hexdigest(),
    "size": len(FILE),
    "chunk_bytes": CHUNK,
}


class ImportFailedError(Exception):
    """The file was not read to its end."""


async def import_file(settings: Settings) -> None:
    """Send a file, or what is missing of it, and read it to its end."""
    shorten(imports_reading, BATCH_ROWS=5)
    async with client_of(MODULE, settings) as client:
        job = (await until_answered(lambda: client.post(IMPORTS, json=IMPORT))).json()
        for number in job["missing_chunks"]:
            part = FILE[number * CHUNK : (number + 1) * CHUNK]
            await client.put(f"{IMPORTS}/{job['id']}/chunks/{number}", content=part)
        if job["state"] == "receiving":
            await until_answered(lambda: client.post(f"{IMPORTS}/{job['id']}/start"))

        async def is_read() -> bool:
            nonlocal job
            job = (await until_answered(lambda: client.get(f"{IMPORTS}/{job['id']}"))).json()
            return job["state"] in {"done", "failed"}

        platform = make_platform(settings)
        await run_until(is_read, Importing(platform).run)
        await platform.close()
    if job["state"] == "failed":
        raise ImportFailedError(job["failure"])


async def a_file_is_in_the_inbox_once(stage: Stage) -> None:
    """Its events once, its rows counted once, nothing left of the file."""
    assert await stage.count("contact_center.inbox", "starts_with(contact, 'r')") == 31
    assert await stage.count("contact_center.import_chunk") == 0
    jobs = await stage.admin.fetch("SELECT * FROM contact_center.import_job WHERE state = 'done'")
    assert len(jobs) == 1
    (job,) = jobs
    failed = await stage.count("contact_center.import_job", "state = 'failed'")
    assert job["rows"] == 25
    assert job["refused"] == 2
    if not failed:
        # An attempt after one that failed finds in the inbox what that one brought.
        assert (job["accepted"], job["duplicates"], job["events"]) == (23, 0, 31)


# A file is its process's while that lives, standing still too; nobody else's work waits for it.
IMPORTED = Scenario(
    "imported", a_company, import_file, a_file_is_in_the_inbox_once, rival=push_and_fold
)

# --- What agents do ------------------------------------------------------------------------------

DAY = (
    b"".join(
        b'%s{"id":"%d","agent":"anna","state":"%s","at":"2026-03-02T%02d:00:00Z"}' % what
        for what in (
            (b"[", 1, b"available", 9),
            (b",", 2, b"break", 12),
            (b",", 3, b"available", 13),
            (b",", 4, b"offline", 18),
        )
    )
    + b"]"
)


async def tell_states(settings: Settings) -> None:
    """A day of an agent."""
    async with client_of(MODULE, settings) as client:
        await push(client, DAY, "/agent-states")


async def a_day_is_told_once(stage: Stage) -> None:
    """Four stretches, each told once."""
    assert await stage.count("contact_center.agent_state") == 4
    assert await facts(stage) == [("agent_state", 1)] * 4


AGENTS = Scenario("agents", a_company, tell_states, a_day_is_told_once)

# --- What became of requests ---------------------------------------------------------------------

STEPS = (
    b'[{"id":"1","lead":"l","step":"assigned","at":"2026-03-02T09:00:00Z","contact":"c1"},'
    b'{"id":"2","lead":"l","step":"showing","at":"2026-03-03T09:00:00Z","contact":"c1"},'
    b'{"id":"3","lead":"l","step":"deal","deal":"d","at":"2026-03-04T09:00:00Z","contact":"c1"}]'
)


async def tell_steps(settings: Settings) -> None:
    """Steps of a request that nobody has heard of."""
    async with client_of(MODULE, settings) as client:
        await push(client, STEPS, "/lead-steps")


async def steps_are_told_once(stage: Stage) -> None:
    """Three steps; of the showing and the deal others know, once."""
    assert await stage.count("contact_center.lead_step") == 3
    assert await facts(stage) == [("deal", 1), ("showing", 1)]


STEPPED = Scenario("stepped", a_company, tell_steps, steps_are_told_once)

# --- The demo taken out --------------------------------------------------------------------------


async def a_demo(settings: Settings) -> None:
    """Calls and states of a demo and of others; the demo is to be removed."""
    await a_company(settings)
    async with client_of(MODULE, settings) as client:
        made = await client.post(f"{BASE}/sources", json={"name": "demo", "demo": True})
        await push(client, CALL, f"/events?source={made.json()['id']}")
        await push(client, CALL)
        await push(client, DAY.replace(b'"id":"', b'"id":"demo-'), "/agent-states")
        await fold_all(settings)
        assert (await client.delete(f"{BASE}/demo")).status_code == 202


async def remove_demo(settings: Settings) -> None:
    """Until it is gone."""
    async with client_of(MODULE, settings) as client, folding(settings) as (worker, hands):

        async def is_gone() -> bool:
            answer = await until_answered(lambda: client.get(f"{BASE}/demo"))
            return bool(answer.json()["done_at"])

        await run_until(is_gone, hands.run, Remover(worker, make_platform(settings).now).run)


async def only_the_demo_is_gone(stage: Stage) -> None:
    """Each of its facts is void, told so once, and counted once; the others stand."""
    rows = await stage.admin.fetch("SELECT payload FROM contact_center.outbox ORDER BY id")
    events = [decode(row["payload"]) for row in rows]
    assert len({(event.subject, event.revision) for event in events}) == len(events)
    newest = {event.subject: event for event in events}.values()
    standing = sorted(event.data.kind for event in newest if not event.void)
    assert standing == ["contact", "lead", "source"]
    gone = sorted(event.data.kind for event in newest if event.void)
    assert gone == ["agent_state"] * 4 + ["contact", "lead", "source"]
    assert await stage.count("contact_center.inbox") == 3
    assert await stage.count("contact_center.dirty") == 0
    async with client_of(MODULE, stage.settings) as client:
        done = (await client.get(f"{BASE}/demo")).json()
    counted = [done[name] for name in ("contacts", "events", "agent_states", "refused")]
    assert counted == [1, 3, 4, 1]


DEMO = Scenario("demo", a_demo, remove_demo, only_the_demo_is_gone)


# --- Pushed by a provider ------------------------------------------------------------------------


async def a_company_with_an_exchange(settings: Settings) -> None:
    """A source of Mango Office; its id is known to whoever pushes."""
    await a_company(settings)
    async with client_of(MODULE, settings) as client:
        body = {"name": "exchange", "kind": "mango", "credentials": CREDENTIALS}
        answer = await until_answered(lambda: client.post(f"{BASE}/sources", json=body))
        assert answer.status_code == 201, answer.text


async def push_as_mango(settings: Settings) -> None:
    """What Mango Office pushes of a call, until it is taken in and folded."""
    async with client_of(MODULE, settings) as client:
        sources = (await client.get(f"{BASE}/sources")).json()["items"]
        (hook,) = (one["hook"] for one in sources if one["kind"] == "mango")
        for said in payloads("missed"):
            sent = pushed(said)
            once = partial(client.post, hook, content=sent.body, headers=dict(sent.headers))
            answer = await until_answered(once)
            assert answer.status_code == 202, answer.text
    await fold_all(settings)


async def a_call_of_mango_is_told_once(stage: Stage) -> None:
    """One contact, one lead, every body once and read."""
    assert await stage.count("contact_center.hook_body") == 3
    assert await stage.count("contact_center.hook_body", "code IS NOT NULL") == 0
    assert [kind for kind, _ in await facts(stage)].count("contact") >= 1
    assert await stage.count("contact_center.contact") == 1


HOOKED = Scenario("hooked", a_company_with_an_exchange, push_as_mango, a_call_of_mango_is_told_once)
