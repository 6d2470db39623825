"""What `otklik doctor` looks at, and what it advises."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from otklik.targets import ALL, modules
from otklik_common.module import Module, Platform

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
    return found


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
        dead = (
            await tx.execute(
                text(
                    f"SELECT count(*) FROM {module.schema}.dead_letter"  # noqa: S608 - our names
                    " WHERE redriven_at IS NULL"
                )
            )
        ).scalar_one()
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
    ends = await log.ends(topics)
    for module in modules(ALL):
        async with platform.database(module.schema, "worker").begin_as_worker() as tx:
            rows = (
                await tx.execute(
                    text(
                        f"SELECT consumer, topic, partition, next"  # noqa: S608 - our names
                        f" FROM {module.schema}.positions"
                    )
                )
            ).all()
        behind: dict[str, int] = {}
        for consumer, topic, partition, following in rows:
            lag = max(0, ends.get((topic, partition), 0) - following)
            behind[consumer] = behind.get(consumer, 0) + lag
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
