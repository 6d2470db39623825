"""
Pace programmes: what one may declare, and how an edit leaves past requests as they were.

A programme is a list of steps with a time for each. As with policies of service, of those that fit a
request when it begins the one with the lowest priority number holds; what it says later changes
nothing for requests that began before.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final

import msgspec

from otklik_common.errors import Conflict, Unprocessable

MOST_PROGRAMMES: Final = 50
"""Of a company, those that have ended apart."""

MOST_EVER: Final = 200
"""Of a company, those that have ended included: all are read to tell what a request was to keep."""

MOST_STEPS: Final = 20
"""Of one programme."""

MOST_TERMS: Final = 24
"""How often a programme may change, from the first to the last."""

MOST_PRIORITY: Final = 10_000

MOST_NAME: Final = 200
MOST_ABOUT: Final = 1_000
"""Characters, in each language."""

PROCESS: Final = (
    "created",
    "assigned",
    "attempted",
    "contacted",
    "qualified",
    "showing",
    "deal",
)
"""Steps that every request may come to, in their order."""

OWN: Final = "own:"
"""Before the code of a step of the company's own."""

RANK: Final = {name: rank for rank, name in enumerate(PROCESS)}


class BadProgramme(Unprocessable):
    """Steps that nobody could walk, or whose time nobody could tell."""

    code = "bad_programme"


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    A step of a programme: from what, to what, and in what time.

    Attributes:
        start, end: Of `PROCESS`, or `OWN` with a code.
        seconds: More than none; who takes exactly so long is on time.
        business: By the calendar of the request's branch, else the company's; False: elapsed time.
        names: By language.
    """

    start: str
    end: str
    seconds: int
    business: bool = True
    names: Mapping[str, str] = msgspec.field(default_factory=dict)


class Terms(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    What a programme says from a moment on.

    Attributes:
        channels, parties, branches, groups: Whose requests it is for; what is empty fits all.
        active: False: from then on it is for no request.
    """

    since: datetime
    priority: int
    steps: tuple[Step, ...] = ()
    channels: tuple[str, ...] = ()
    parties: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    active: bool = True


class Programme(msgspec.Struct, frozen=True):
    """
    A programme with all that it ever said, by `since`.

    Attributes:
        names, about: By language: what it is called, and what it is for.
    """

    code: str
    terms: tuple[Terms, ...]
    names: Mapping[str, str] = msgspec.field(default_factory=dict)
    about: Mapping[str, str] = msgspec.field(default_factory=dict)

    @property
    def last(self) -> Terms:
        """What it says once all its terms have begun."""
        return self.terms[-1]


def check_steps(steps: Sequence[Step]) -> None:
    """
    Raise what is wrong with steps.

    Raises:
        BadProgramme.
    """
    if not 1 <= len(steps) <= MOST_STEPS:
        raise BadProgramme(
            f"a programme has 1 to {MOST_STEPS} steps, not {len(steps)}",
            detail_ru=f"шагов в программе от 1 до {MOST_STEPS}, а не {len(steps)}",
        )
    known: set[tuple[str, str]] = set()
    for number, step in enumerate(steps, 1):
        for name in (step.start, step.end):
            if name not in RANK and not _is_own(name):
                raise BadProgramme(
                    f"step {number}: there is no {name}: it is one of {', '.join(PROCESS)}, or"
                    f" {OWN} with a code of your own",
                    detail_ru=f"шаг {number}: {name} не бывает: это один из"
                    f" {', '.join(PROCESS)} или {OWN} со своим кодом",
                )
        if step.start == step.end:
            raise BadProgramme(
                f"step {number} leads from {step.start} to itself",
                detail_ru=f"шаг {number} ведёт от {step.start} к нему же",
            )
        if _goes_back(step):
            raise BadProgramme(
                f"step {number} leads back: {step.end} comes before {step.start}",
                detail_ru=f"шаг {number} ведёт назад: {step.end} бывает раньше, чем {step.start}",
            )
        if (step.start, step.end) in known:
            raise BadProgramme(
                f"step {number}: from {step.start} to {step.end} has a time already",
                detail_ru=f"шаг {number}: от {step.start} к {step.end} срок уже назван",
            )
        known.add((step.start, step.end))


def _is_own(name: str) -> bool:
    return name.startswith(OWN) and len(name) > len(OWN)


def _goes_back(step: Step) -> bool:
    # Nothing leads to the beginning of a request, whatever came before.
    return RANK.get(step.end, len(PROCESS)) <= RANK.get(step.start, 0)


def edited(
    known: Programme | None,
    code: str,
    terms: Terms,
    *,
    names: Mapping[str, str],
    about: Mapping[str, str],
) -> Programme:
    """
    The programme after an edit that is true from `terms.since` on.

    What it said of requests that began before stays; what it was to say after that moment gives way.

    Raises:
        BadProgramme: Its steps cannot be.
        Unprocessable: It has changed too often.
    """
    check_steps(terms.steps)
    earlier = () if known is None else tuple(t for t in known.terms if t.since < terms.since)
    same = bool(earlier) and msgspec.structs.replace(earlier[-1], since=terms.since) == terms
    made = earlier if same else (*earlier, terms)
    if len(made) > MOST_TERMS:
        raise Unprocessable(
            f"the programme has changed {len(made) - 1} times, {MOST_TERMS - 1} can be kept: end it"
            " and make a new one",
            code="too_many_terms",
            detail_ru=f"программа менялась {len(made) - 1} раз, хранится {MOST_TERMS - 1}:"
            " завершите её и заведите новую",
        )
    return Programme(code, made, names, about)


def ended(known: Programme, now: datetime) -> Programme:
    """The programme that is for no request that begins from now on."""
    if not known.last.active:
        return known
    earlier = [one for one in known.terms if one.since < now]
    end = Terms(since=now, priority=known.last.priority, active=False)
    return msgspec.structs.replace(known, terms=(*earlier, end))


def check_priority(made: Programme, others: Iterable[Programme]) -> None:
    """
    Raise for a priority that another programme has, and for more programmes than there may be.

    A priority is another's from when its terms begin until others take their place, be it later.

    Raises:
        Conflict: Nobody could tell which of the two holds.
        Unprocessable: There are too many.
    """
    rivals = [one for one in others if one.code != made.code]
    taken = dict(_taken(rivals, made.last.since))
    wanted = made.last.priority
    if wanted in taken:
        free = next(n for n in range(wanted, wanted + len(taken) + 1) if n not in taken)
        raise Conflict(
            f"the programme {taken[wanted]} has priority {wanted} already, and nobody could tell"
            f" which of the two holds: {free} is free",
            code="priority_taken",
            detail_ru=f"приоритет {wanted} уже у программы {taken[wanted]}, и было бы неясно,"
            f" какая из двух действует: свободен {free}",
        )
    if len(rivals) >= MOST_EVER:
        raise Unprocessable(
            f"{MOST_EVER} programmes are kept already, those that have ended included: change one of them",
            code="too_many_programmes",
            detail_ru=f"хранится уже {MOST_EVER} программ, вместе с завершёнными: измените одну из них",
        )
    if sum(one.last.active for one in rivals) >= MOST_PROGRAMMES:
        raise Unprocessable(
            f"{MOST_PROGRAMMES} programmes hold already: end one first",
            code="too_many_programmes",
            detail_ru=f"действуют уже {MOST_PROGRAMMES} программ: сначала завершите одну",
        )


def _taken(rivals: Iterable[Programme], since: datetime) -> Iterator[tuple[int, str]]:
    """Priorities that programmes have at a moment or later, and whose they are."""
    for one in rivals:
        for terms, later in pairwise((*one.terms, None)):
            over = later is not None and later.since <= since
            if terms is not None and terms.active and not over:
                yield terms.priority, one.code
