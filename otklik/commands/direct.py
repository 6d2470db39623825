"""Commands that go to the database itself: `migrate`, `rebuild`, `doctor`, `reset-password`."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from otklik.client import fail
from otklik.data import default_folder, environment
from otklik_common.errors import Refused
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


def migrate_here(data: Path | None, *, as_json: bool) -> None:
    """Structure and topics."""
    from otklik.prepare import migrate_all

    with settings_of(data) as settings:
        asyncio.run(migrate_all(settings))
    print(json.dumps({"migrated": True}) if as_json else "the structure is up to date")


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
