"""
Promises: what clocks add to folding, and how long other promises take to be tried on the past.

    python -m bench.promises [--contacts 20000] [--rounds 3] [--past 100000]

Folding contacts of five events without a policy, and under three policies that promise two things
about each, interleaved; the ratio is of contacts a second. Then a back-test of `--past` contacts
under a calendar with worked Saturdays, as the API runs it, every contact and clock of them counted.
"""

import argparse
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import uvloop

from bench.contact_center_fold import fill, fold_all
from bench.contact_center_support import TENANT, connected, median, prepare, running_server
from otklik_common.callers import ALL_SCOPES, Caller
from otklik_common.db import Database
from otklik_common.directory import Directory
from otklik_common.events.access import (
    Calendar,
    CalendarRules,
    SlaPolicy,
    SlaTarget,
    SlaTerms,
    TargetName,
)
from otklik_common.events.envelope import Fact
from otklik_common.ids import subject_id
from otklik_common.paging import Cursors, Part
from otklik_common.pseudonym import Pseudonyms, Sealer
from otklik_common.settings import Settings
from otklik_contact_center.actions.backtest import Asked, Backtests
from otklik_contact_center.actions.fold import MOST_MARKS, Folder
from otklik_contact_center.actions.meters import Meters
from otklik_contact_center.domain.other_policies import OtherHours, Otherwise
from otklik_contact_center.workers import HANDS

DAY = ("09:00-13:00", "14:00-18:00")
WEEK = (DAY, DAY, DAY, DAY, DAY, (), ())
OFFICE = Calendar(
    code="office",
    default=True,
    rules=(CalendarRules(timezone="Europe/Moscow", week=WEEK, holidays="RU"),),
)
TARGETS = (
    SlaTarget(target=TargetName.FIRST_RESPONSE, seconds=20, business=False),
    SlaTarget(target=TargetName.RESOLUTION, seconds=3_600),
)


def policy(code: str, priority: int, **conditions: Any) -> SlaPolicy:
    """A policy since ever."""
    since = datetime(2020, 1, 1, tzinfo=UTC)
    terms = SlaTerms(since=since, priority=priority, targets=TARGETS, **conditions)
    return SlaPolicy(code=code, terms=(terms,))


FACTS: tuple[Fact, ...] = (
    OFFICE,
    policy("gold", 1, service_levels=("gold",)),
    policy("letters", 2, channels=("email", "form")),
    policy("usual", 3),
)


async def promise(admin: asyncpg.Connection) -> None:
    """Let the contact centre know of calendar and policies, as access would tell it."""
    for fact in FACTS:
        code = fact.code  # type: ignore[attr-defined]
        await admin.execute(
            "INSERT INTO contact_center.directory"
            " (tenant, kind, subject, code, revision, epoch, void, data)"
            " VALUES ($1, $2, $3, $4, 1, 1, false, $5)",
            TENANT,
            fact.kind,
            subject_id(TENANT, fact.kind, code),
            code,
            fact.model_dump_json(),
        )


async def holds(admin: asyncpg.Connection, *, promised: bool) -> None:
    """Whether anything is promised from now on."""
    if promised:
        statement = "INSERT INTO contact_center.promises VALUES ($1, 1)"
    else:
        statement = "DELETE FROM contact_center.promises WHERE tenant = $1"
    await admin.execute(statement, TENANT)


async def backtest(settings: Settings, api: Database, contacts: int) -> dict[str, Any]:
    """The past under worked Saturdays."""
    tests = Backtests(api, Directory(api))
    now = datetime.now(UTC)
    wanted = Otherwise(calendars={"office": OtherHours(week={5: DAY})})
    asked = Asked(now - timedelta(days=1), now + timedelta(days=1), wanted)
    caller = Caller(TENANT, "key:bench", ALL_SCOPES)
    part = Part(200, None, Cursors(settings.master), b"")
    seconds: list[float] = []
    counted: list[tuple[int, int]] = []
    for _ in range(3):
        began = time.perf_counter()
        tried = await tests.run(caller, asked, part, now=now)
        seconds.append(time.perf_counter() - began)
        assert tried.test.contacts >= contacts, tried.test.contacts
        clocks = sum(sum(one.before.values()) for one in tried.test.targets.values())
        counted.append((tried.test.contacts, clocks))
        print(f"back-test of {tried.test.contacts:,} contacts {seconds[-1]:6.2f} s", flush=True)
    assert len(set(counted)) == 1, counted
    return {
        "backtest_contacts": counted[0][0],
        "backtest_clocks": counted[0][1],
        "backtest_seconds": round(median(seconds), 2),
    }


async def measure(contacts: int, rounds: int, past: int) -> dict[str, Any]:
    """Folds, then a back-test of what was folded."""
    with running_server() as url:
        settings, _ = await prepare(url)
        db = Database(settings, "contact_center", "worker")
        api = Database(settings, "contact_center", "api")
        folder = Folder(
            db,
            Directory(api),
            sealer=Sealer(settings.master),
            pseudonyms=Pseudonyms(settings.master),
            meters=Meters(None),
        )
        rates: dict[bool, list[float]] = {False: [], True: []}
        async with connected(url) as admin:
            await promise(admin)
            for number in range(rounds):
                for promised in (False, True):
                    await holds(admin, promised=promised)
                    await fill(settings, f"{promised}{number}", contacts)
                    await admin.execute("CHECKPOINT")
                    folded, seconds = await fold_all(folder, MOST_MARKS, HANDS)
                    assert folded == contacts, (folded, contacts)
                    rates[promised].append(folded / seconds)
                    name = "promised" if promised else "plain"
                    print(f"round {number} {name:8} {rates[promised][-1]:9,.0f} contacts/s")
                await holds(admin, promised=False)
            clocks = await admin.fetchval("SELECT count(*) FROM contact_center.sla_clock")
            assert clocks == 2 * contacts * rounds, clocks
            missing = past - 2 * contacts * rounds
            if missing > 0:
                await fill(settings, "past", missing)
                await fold_all(folder, MOST_MARKS, HANDS)
            await admin.execute("ANALYZE contact_center.contact, contact_center.lead")
            tried = await backtest(settings, api, past)
        await db.close()
        await api.close()
    plain, promised_rate = median(rates[False]), median(rates[True])
    return {
        "folded_contacts_per_second": round(plain),
        "with_two_clocks_each": round(promised_rate),
        "promised_to_plain": round(promised_rate / plain, 2),
        **tried,
    }


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--past", type=int, default=100_000)
    given = parser.parse_args()
    print(json.dumps(uvloop.run(measure(given.contacts, given.rounds, given.past)), indent=2))


if __name__ == "__main__":
    main()
