"""What `otklik doctor` looks at, and what it advises."""

from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from otklik.targets import ALL, modules
from otklik_common import dead_letters
from otklik_common.gaps import Standing, standings
from otklik_common.module import Module, Platform

CONTACT_CENTER = "contact_center"
MOST_NAMED = 5

_SILENT = f"""
SELECT count(*), coalesce(array_agg(id ORDER BY silent_since) FILTER (
  WHERE silent_since IS NOT NULL AND active), '{{}}')
FROM {CONTACT_CENTER}.source
"""  # noqa: S608 - a name of our own

OLDEST_OUTBOX_SECONDS = 10
MOST_LAG_RECORDS = 10_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `advice` says what to do where it is not ok."""

    check: str
    ok: bool
    value: str
    advice: str = ""


async def diagnosis(platform: Platform) -> list[Finding]:
    """Database, topics, lag, outbox age and dead letters of every service."""
    found = []
    for module in modules(ALL):
        try:
            found += await _of_service(platform, module)
        except (SQLAlchemyError, OSError) as broken:
            advice = "run `otklik migrate`; is PostgreSQL up, and the master key the right one?"
            found.append(Finding(f"{module.name} database", False, type(broken).__name__, advice))
    found += await _of_log(platform)
    with suppress(SQLAlchemyError, OSError):  # told above already
        found.append(await _of_sources(platform))
    return found


async def _of_sources(platform: Platform) -> Finding:
    """Sources of events, of whatever company."""
    async with platform.database(CONTACT_CENTER, "worker").begin_as_worker() as tx:
        rows = await tx.execute(text(_SILENT))
        known, silent = rows.one()
    named = ", ".join(silent[:MOST_NAMED]) + (" …" if len(silent) > MOST_NAMED else "")
    return Finding(
        "contact-center sources",
        not silent,
        f"{len(silent)} of {known} are silent" + (f": {named}" if named else ""),
        "`GET /contact-center/v1/sources/{id}/health` says since when, and what to do",
    )


async def _of_service(platform: Platform, module: Module) -> list[Finding]:
    async with platform.database(module.schema, "worker").begin_as_worker() as tx:
        waiting, age = (
            await tx.execute(
                text(
                    "SELECT count(*), coalesce(extract(epoch FROM clock_timestamp()"  # noqa: S608
                    f" - min(created_at)), 0)::float8 FROM {module.schema}.outbox"
                )
            )
        ).one()
        dead = await dead_letters.count_open(tx, module.schema)
    return [
        Finding(f"{module.name} database", True, "answers"),
        Finding(
            f"{module.name} outbox",
            age < OLDEST_OUTBOX_SECONDS,
            f"{waiting} facts wait, the oldest for {age:.1f} s",
            "is `otklik work` running, and can it reach the log?",
        ),
        Finding(
            f"{module.name} dead letters",
            dead == 0,
            f"{dead} records could not be taken in",
            f"`otklik dead-letters --service {module.name}` says why;"
            " take them in by its `redrive`, or settle them by its `give-up`",
        ),
    ]


def _of_gap(one: Standing) -> Finding:
    return Finding(
        f"records of {one.group}",
        False,
        f"{one.topic}/{one.partition} keeps {one.first} to {one.end}, but {one.next} comes next",
        "restore the topic; or let the group go on without what is lost by"
        f" `otklik positions go-on {one.group}`",
    )


async def _of_log(platform: Platform) -> list[Finding]:
    log = platform.log
    topics = [module.topic for module in modules(ALL)]
    try:
        await log.ready(topics)
    except Exception as broken:  # noqa: BLE001 - whatever it is, it is the finding
        return [
            Finding(
                f"{platform.settings.log} log", False, str(broken)[:200], "run `otklik migrate`"
            )
        ]
    found = [Finding(f"{platform.settings.log} log", True, f"{len(topics)} topics")]
    for module in modules(ALL):
        database = platform.database(module.schema, "worker")
        behind: dict[str, int] = {}
        for one in await standings(database, log, topics):
            behind[one.group] = behind.get(one.group, 0) + max(0, one.end - one.next)
            if one.lacks:
                found.append(_of_gap(one))
        found += [
            Finding(
                f"lag of {consumer}",
                lag < MOST_LAG_RECORDS,
                f"{lag} records",
                "is `otklik work` running? its log says what holds it up",
            )
            for consumer, lag in sorted(behind.items())
        ]
    return found
