"""The step between a running PostgreSQL and the services: structure, and the first company."""

import argparse
import asyncio
import json
import sys
from pathlib import Path

from otklik.data import FIRST_START, keep_secret
from otklik.targets import ALL, modules
from otklik_access.actions.first_start import FirstStart, NewCompany, first_start
from otklik_access.actions.keys import create_demo_key
from otklik_common.log import open_log
from otklik_common.migrate import Tree, migrate
from otklik_common.runtime import make_platform
from otklik_common.settings import Settings, load_settings


async def migrate_structure(settings: Settings) -> None:
    """Logins, schemas and tables of every service."""
    trees = [Tree(module.schema, module.migrations) for module in modules(ALL)]
    await migrate(settings, trees, progress=lambda line: print(line, file=sys.stderr))


async def make_topics(settings: Settings) -> list[str]:
    """
    The topics of every service that writes; their names.

    Over Kafka this needs no database, and so none of its passwords.
    """
    topics = [module.topic for module in modules(ALL) if module.writes]
    log = open_log(settings)
    try:
        await log.ensure_topics(topics)
    finally:
        await log.close()
    return topics


async def migrate_all(settings: Settings) -> None:
    """Logins, schemas and tables of every service, then the topics of the log."""
    await migrate_structure(settings)
    await make_topics(settings)


async def prepare(
    settings: Settings, *, demo: bool, demo_key: bool, keep_in: Path | None
) -> dict[str, str | None]:
    """
    Migrate, and make company, administrator and key if there is no company yet.

    Args:
        demo: The company begins as the simulated agency.
        demo_key: Make a key for the simulation, since none was kept.
        keep_in: Data folder that keeps the secrets, from before there is a company until they
            were shown; None where our caller shows them at once.
    Returns:
        company, login, password, key and demo_key; secrets are None where nothing was made.
    """
    await migrate_all(settings)
    platform = make_platform(settings)
    names = {"ru": "Агентство (демо)", "en": "Agency (demo)"} if demo else {}

    def keep(made: FirstStart) -> None:
        if keep_in is not None:
            secrets = {"company": made.tenant, "password": made.password, "key": made.key}
            keep_secret(keep_in, FIRST_START, json.dumps(secrets))

    try:
        made = await first_start(platform, NewCompany(names=names, demo=demo), keep=keep)
        key = await create_demo_key(platform, made.tenant) if demo_key else None
    finally:
        await platform.close()
    return {
        "company": made.tenant,
        "login": made.login,
        "password": made.password,
        "key": made.key,
        "demo_key": None if key is None else key.text,
    }


def main() -> None:
    """Entry of the child process; prints one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m otklik.prepare", description=__doc__)
    parser.add_argument("--demo", action="store_true")
    parser.add_argument("--demo-key", action="store_true")
    parser.add_argument("--keep-in", type=Path)
    given = parser.parse_args()
    made = prepare(load_settings(), demo=given.demo, demo_key=given.demo_key, keep_in=given.keep_in)
    print(json.dumps(asyncio.run(made)))


if __name__ == "__main__":
    main()
