"""Dead letters of all services: found, taken up again, given up."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Literal

from otklik.targets import SERVICES, modules
from otklik_common import dead_letters
from otklik_common.consumer import redrive
from otklik_common.dead_letters import Standing
from otklik_common.module import Module, Platform

State = Literal["open", "taken in", "given up"]


class NoSuchLetterError(Exception):
    """Somebody named a letter or a group that is not there; the text says which."""


@dataclass(frozen=True, slots=True)
class Letter:
    """
    A dead letter as operators see it: everything but what the record says.

    Attributes:
        id: Its service and its number there, `metrics:12`: services number their own.
        since: When it was put aside.
    """

    id: str
    service: str
    group: str
    topic: str
    partition: int
    offset: int
    reason: str
    since: datetime
    state: State


@dataclass(frozen=True, slots=True)
class Choice:
    """
    Which letters are meant.

    Attributes:
        service: Only its own; None: of every service.
        group: Only those that this consumer group put aside.
        ids: These, settled ones among them; None: all open ones.
    """

    service: str | None = None
    group: str | None = None
    ids: Sequence[str] | None = None

    def services(self) -> list[str]:
        """Those that have to be asked; no other is loaded, nor needs its database be reachable."""
        if self.ids is not None:
            return [name for name in SERVICES if name in _numbers(self.ids)]
        return list(SERVICES) if self.service is None else [self.service]


def number_of(letter: str) -> tuple[str, int]:
    """
    Service and number of an id.

    Raises:
        ValueError: It is not the id of a letter.
    """
    service, _, number = letter.partition(":")
    if service not in SERVICES or not number.isdecimal() or int(number) >= 2**63:
        raise ValueError(f"{letter!r} is not the id of a dead letter, such as metrics:12")
    return service, int(number)


async def find(platform: Platform, choice: Choice) -> list[Letter]:
    """
    The chosen letters, by service, group and number.

    Raises:
        NoSuchLetterError: One of the ids is not there, or nobody knows the group.
    """
    numbers = None if choice.ids is None else _numbers(choice.ids)
    found = []
    for module in _modules(choice.services()):
        known = await _read(platform, module, None if numbers is None else numbers[module.name])
        found += [letter for letter in known if _is_chosen(letter, choice)]
    _miss_none(found, choice)
    if choice.group is not None and not found:
        _know_group(platform, choice)
    return found


async def take_up(platform: Platform, letters: Sequence[Letter]) -> list[Letter]:
    """Redrive what is open among the letters, by their services' own consumers; how all stand."""
    nobody = set()
    for module, some in _by_module(letters):
        # Put together as where they run, but once: they share a registry.
        consumers = module.consumers(platform)
        for group, those in groupby(some, key=lambda letter: letter.group):
            consumer = consumers.get(group)
            ids = [letter.id for letter in those if letter.state == "open"]
            if consumer is None:
                nobody.update(ids)
                continue
            numbers = [number_of(one)[1] for one in ids]
            await redrive(platform.database(module.schema, "worker"), consumer, numbers)
    return [
        replace(letter, reason=f"no service has a group {letter.group} any more; {letter.reason}")
        if letter.id in nobody
        else letter
        for letter in await _again(platform, letters)
    ]


async def give_up(platform: Platform, letters: Sequence[Letter]) -> list[Letter]:
    """Settle what is open among the letters without taking it in; how all stand."""
    for module, some in _by_module(letters):
        async with platform.database(module.schema, "worker").begin_as_worker() as tx:
            for group, those in groupby(some, key=lambda letter: letter.group):
                numbers = [number_of(letter.id)[1] for letter in those]
                await dead_letters.give_up(tx, module.schema, group, numbers)
    return await _again(platform, letters)


async def _again(platform: Platform, letters: Sequence[Letter]) -> list[Letter]:
    return await find(platform, Choice(ids=[letter.id for letter in letters]))


async def _read(platform: Platform, module: Module, numbers: Sequence[int] | None) -> list[Letter]:
    async with platform.database(module.schema, "worker").begin_as_worker() as tx:
        if numbers is None:
            rows = await dead_letters.all_open(tx, module.schema)
        else:
            rows = await dead_letters.standing(tx, module.schema, numbers)
    return [_letter(module.name, row) for row in rows]


def _letter(service: str, row: Standing) -> Letter:
    state: State = "given up" if row.given_up else "taken in" if row.settled_at else "open"
    return Letter(
        id=f"{service}:{row.id}",
        service=service,
        group=row.consumer,
        topic=row.topic,
        partition=row.partition,
        offset=row.offset,
        reason=row.reason,
        since=row.recorded_at,
        state=state,
    )


def _is_chosen(letter: Letter, choice: Choice) -> bool:
    return choice.service in (None, letter.service) and choice.group in (None, letter.group)


def _miss_none(found: Iterable[Letter], choice: Choice) -> None:
    known = {letter.id for letter in found}
    wanted = {f"{service}:{number}" for service, number in map(number_of, choice.ids or ())}
    missing = sorted(wanted - known)
    if missing:
        said = [f" of {name}" for name in (choice.service, choice.group) if name is not None]
        raise NoSuchLetterError(f"no dead letter{''.join(said)} has the id {', '.join(missing)}")


def _know_group(platform: Platform, choice: Choice) -> None:
    groups = [name for one in _modules(choice.services()) for name in one.consumers(platform)]
    if choice.group not in groups:
        raise NoSuchLetterError(f"no group {choice.group!r}; there are {', '.join(groups)}")


def _numbers(ids: Iterable[str]) -> Mapping[str, list[int]]:
    found: dict[str, list[int]] = {}
    for service, number in map(number_of, ids):
        found.setdefault(service, []).append(number)
    return found


def _modules(services: Iterable[str]) -> list[Module]:
    return [module for name in services for module in modules(name)]


def _by_module(letters: Iterable[Letter]) -> Iterable[tuple[Module, list[Letter]]]:
    for service, some in groupby(letters, key=lambda letter: letter.service):
        (module,) = modules(service)
        yield module, list(some)
