"""Commands that go to the database or the log itself: `migrate`, `rebuild`, `doctor`, …"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from otklik.client import fail
from otklik.data import default_folder, environment
from otklik_common.errors import Refused
from otklik_common.log.port import LogNotReadyError
from otklik_common.module import Platform
from otklik_common.runtime import make_platform
from otklik_common.settings import Settings, load_settings

R = TypeVar("R")


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextmanager
def settings_of(data: Path | None) -> Iterator[Settings]:
    """
    Settings of a data folder, or of the environment where no folder is named.

    Where the environment names no database either, the default folder counts, if there is one. A
    folder whose PostgreSQL does not run gets it started for as long as this lasts.
    """
    if data is None and (data := default_folder()) is not None:
        _progress(f"data folder: {data}")
    if data is None:
        try:
            yield load_settings()
        except ValidationError as missing:
            names = ", ".join(f"OTKLIK_{error['loc'][0]}".upper() for error in missing.errors())
            fail(f"name a data folder by --data or OTKLIK_DATA, or set {names}")
        return
    if not (data / "state.json").exists():
        fail(f"{data} is not the data folder of an otklik up; name another by --data")
    from otklik.embedded import EmbeddedPostgres

    postgres = EmbeddedPostgres.start(data.absolute())
    try:
        os.environ.update(environment(data.absolute(), postgres))
        yield load_settings()
    finally:
        postgres.stop()


async def with_platform(settings: Settings, work: Callable[[Platform], Awaitable[R]]) -> R:
    """What `work` makes of a process's platform, closed afterwards."""
    platform = make_platform(settings)
    try:
        return await work(platform)
    finally:
        await platform.close()


def _run(step: Coroutine[Any, Any, R]) -> R:
    """What a step makes; a server that is away or says no is a line, since a job tries again."""
    try:
        return asyncio.run(step)
    except (LogNotReadyError, OSError, asyncpg.PostgresError) as no:
        fail(f"{type(no).__name__}: {no}")
    except DBAPIError as no:
        fail(str(no.orig))


def migrate_here(data: Path | None, *, topics: bool, as_json: bool) -> None:
    """Structure, and the topics too if they are wanted."""
    from otklik.prepare import migrate_all, migrate_structure

    step = migrate_all if topics else migrate_structure
    with settings_of(data) as settings:
        _run(step(settings))
    print(json.dumps({"migrated": True}) if as_json else "the structure is up to date")


def ensure_topics(data: Path | None, *, as_json: bool) -> None:
    """Topics alone."""
    from otklik.prepare import make_topics

    with settings_of(data) as settings:
        made = _run(make_topics(settings))
    print(json.dumps({"topics": made}) if as_json else f"there are the topics {', '.join(made)}")


def make_first_company(data: Path | None, *, as_json: bool) -> None:
    """Print the first company's login; its password and key where it was made just now."""
    from otklik_access.actions.first_start import NewCompany, first_start

    async def run(platform: Platform) -> Any:
        return await first_start(platform, NewCompany())

    with settings_of(data) as settings:
        made = _run(with_platform(settings, run))
    shown = {"company": made.tenant, "login": made.login}
    if made.password is not None and made.key is not None:
        shown |= {"password": made.password, "key": made.key}
    if as_json:
        print(json.dumps(shown))
        return
    for name, value in shown.items():
        print(f"{name:<10} {value}")
    if made.password is None:
        print(f"made before; a lost password: otklik reset-password {made.login}")
    else:
        print("shown this once: keep them")


def rebuild_metrics(data: Path | None, *, check: bool, from_log: bool, as_json: bool) -> None:
    """Rebuild or compare the rollups; exits with 1 where they differ."""
    from otklik_metrics.actions import rebuild

    async def run(platform: Platform) -> Any:
        return await rebuild(platform, check=check, from_log=from_log, progress=_progress)

    with settings_of(data) as settings:
        report = asyncio.run(with_platform(settings, run))
    if as_json:
        print(json.dumps(asdict(report), default=str))
    else:
        print(
            f"{report.compared} rows compared, {report.differences} differences, "
            f"{report.seconds:.1f} s"
        )
    if report.differences:
        raise SystemExit(1)


def diagnose(data: Path | None, *, as_json: bool) -> None:
    """Print what stands between an event and a number; exits with 1 where something is wrong."""
    from otklik.diagnosis import diagnosis

    with settings_of(data) as settings:
        found = asyncio.run(with_platform(settings, diagnosis))
    well = all(finding.ok for finding in found)
    if as_json:
        checks = [asdict(finding) for finding in found]
        print(json.dumps({"ok": well, "checks": checks}, default=str))
    else:
        for finding in found:
            mark = "ok " if finding.ok else "BAD"
            print(f"{mark} {finding.check:<40} {finding.value}")
            if not finding.ok:
                print(f"    → {finding.advice}")
    if not well:
        raise SystemExit(1)


def reset_lost_password(data: Path | None, login: str, *, as_json: bool) -> None:
    """Print a new password; whoever owns the server may ask for it."""
    from otklik_access.actions import reset_console_password

    async def run(platform: Platform) -> Any:
        return await reset_console_password(platform, login)

    with settings_of(data) as settings:
        try:
            shown = asyncio.run(with_platform(settings, run))
        except Refused as no:
            fail(no.detail)
    if as_json:
        print(json.dumps({"login": shown.login, "password": shown.password}))
    else:
        print(f"{shown.login}   password {shown.password}")
