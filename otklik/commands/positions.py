"""`otklik positions`: where consumers are on the log, and what to do where it lost records."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from otklik.client import fail
from otklik.commands.direct import settings_of, with_platform
from otklik.targets import ALL, modules
from otklik_common.faults import Fault, describe_briefly, fault_of
from otklik_common.gaps import Standing, go_on, standings
from otklik_common.log.port import LogNotReadyError
from otklik_common.module import Platform


class _NoSuchGroupError(Exception):
    """Somebody named a group that is not there."""


def show(data: Path | None, *, as_json: bool) -> None:
    """Print all positions; exits with 1 where the log lacks what comes next."""
    found = _with_positions(data, _find)
    _print(found, as_json=as_json)
    if any(one.lacks for one in found):
        raise SystemExit(1)


def let_go_on(data: Path | None, group: str, *, as_json: bool) -> None:
    """Let a group go on from the first records kept; prints where it now stands."""

    async def run(platform: Platform) -> list[Standing]:
        found = await _find(platform)
        if not any(one.group == group for one in found):
            groups = ", ".join(sorted({one.group for one in found}))
            raise _NoSuchGroupError(f"no group {group!r} has a position; there are {groups}")
        lacking = [one for one in found if one.group == group and one.lacks]
        # A group is the service's whose name it begins with.
        (module,) = [one for one in modules(ALL) if one.name == group.partition(".")[0]]
        return await go_on(platform.database(module.schema, "worker"), platform.log, lacking)

    moved = _with_positions(data, run)
    _print(moved, as_json=as_json)
    if not moved and not as_json:
        print(f"{group} lacks nothing")


async def _find(platform: Platform) -> list[Standing]:
    known = modules(ALL)
    topics = [module.topic for module in known]
    found: list[Standing] = []
    for module in known:
        database = platform.database(module.schema, "worker")
        found += await standings(database, platform.log, topics)
    return found


def _print(found: list[Standing], *, as_json: bool) -> None:
    if as_json:
        rows = [{**one._asdict(), "lacks": one.lacks} for one in found]
        print(json.dumps({"positions": rows}))
        return
    for one in found:
        place = f"{one.topic}/{one.partition}"
        lacks = "  which is not there" if one.lacks else ""
        print(f"{one.group:<26} {place:<28} {one.first} to {one.end}, next {one.next}{lacks}")


def _with_positions(
    data: Path | None, work: Callable[[Platform], Awaitable[list[Standing]]]
) -> list[Standing]:
    with settings_of(data) as settings:
        try:
            return asyncio.run(with_platform(settings, work))
        except (_NoSuchGroupError, LogNotReadyError) as no:
            fail(str(no))
        except Exception as broken:
            if fault_of(broken) is Fault.RECORD:
                raise
            fail(f"the database fails: {describe_briefly(broken)}; `otklik doctor` says more")
