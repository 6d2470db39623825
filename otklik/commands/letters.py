"""`otklik dead-letters`: what consumers could not take in, listed and settled."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from otklik.client import fail
from otklik.commands.direct import settings_of, with_platform
from otklik.letters import Choice, Letter, NoSuchLetterError, find, give_up, take_up
from otklik_common.faults import Fault, describe_briefly, fault_of
from otklik_common.module import Platform

Settle = Callable[[Platform, Sequence[Letter]], Awaitable[list[Letter]]]


def show(data: Path | None, choice: Choice, *, as_json: bool) -> None:
    """Print the open letters."""

    async def run(platform: Platform) -> list[Letter]:
        return await find(platform, choice)

    found = _with_letters(data, run)
    if as_json:
        print(json.dumps({"dead_letters": [_as_json(letter) for letter in found]}))
        return
    for letter in found:
        place = f"{letter.topic}/{letter.partition}/{letter.offset}"
        print(f"{letter.id:<20} {letter.group:<26} {place:<32} since {letter.since:%F %TZ}")
        print(f"    {letter.reason}")
    if not found:
        print("no dead letters")


def redrive(data: Path | None, choice: Choice, *, as_json: bool) -> None:
    """Take letters up again; exits with 1 where some still cannot be taken in."""
    _settle(data, choice, take_up, as_json=as_json)


def settle_for_good(data: Path | None, choice: Choice, *, as_json: bool) -> None:
    """Give letters up; exits with 1 where some are open still."""
    _settle(data, choice, give_up, as_json=as_json)


def _settle(data: Path | None, choice: Choice, settle: Settle, *, as_json: bool) -> None:
    async def run(platform: Platform) -> list[Letter]:
        return await settle(platform, await find(platform, choice))

    found = _with_letters(data, run)
    still = [letter for letter in found if letter.state == "open"]
    if as_json:
        letters = [_as_json(letter) for letter in found]
        print(json.dumps({"ok": not still, "dead_letters": letters}))
    else:
        for letter in found:
            fails = f"still fails: {letter.reason}"
            print(f"{letter.id:<20} {fails if letter.state == 'open' else letter.state}")
        print(f"{len(found) - len(still)} settled, {len(still)} still open")
    if still:
        raise SystemExit(1)


def _as_json(letter: Letter) -> dict[str, object]:
    return {**asdict(letter), "since": letter.since.isoformat()}


def _with_letters(
    data: Path | None, work: Callable[[Platform], Awaitable[list[Letter]]]
) -> list[Letter]:
    with settings_of(data) as settings:
        try:
            return asyncio.run(with_platform(settings, work))
        except NoSuchLetterError as no:
            fail(str(no))
        except Exception as broken:
            if fault_of(broken) is Fault.RECORD:
                raise
            # Each letter is a transaction of its own: what was taken in before stays so.
            fail(
                f"the database fails: {describe_briefly(broken)}; `otklik doctor` says more,"
                " and the same again goes on where this ended"
            )
