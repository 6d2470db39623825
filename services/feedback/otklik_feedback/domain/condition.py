"""Conditions: which answers show a question. They are data, and nothing in them is run."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MOST_DEEP: Final = 8
MOST_TESTS: Final = 50

Given = int | str | frozenset[str]
"""A score, an option, a set of options; text and dates count as given or not alone."""

Literal = int | str | tuple[int | str, ...] | None


class Op(StrEnum):
    """How a test looks at an answer."""

    ANSWERED = "answered"
    UNANSWERED = "unanswered"
    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    IN = "in"
    NOT_IN = "not_in"
    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"
    CONTAINS_ANY = "contains_any"
    CONTAINS_ALL = "contains_all"


@dataclass(frozen=True, slots=True)
class Test:
    """One look at the answer to one question, or to one line of a matrix."""

    __test__ = False

    question: str
    op: Op
    value: Literal = None


@dataclass(frozen=True, slots=True)
class Every:
    """All of these hold."""

    of: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one of these holds."""

    of: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Negated:
    """This does not hold."""

    of: "Condition"


Condition = Test | Every | Some | Negated


def holds(condition: Condition, given: Mapping[str, Given]) -> bool:
    """
    Whether a condition holds.

    What is not answered is equal to nothing, greater than nothing and contains nothing: `ne`,
    `not_in` and `not_contains` hold of it, all other tests but `unanswered` do not.

    Args:
        given: Answers by question or line; what was not answered, or not applicable, is absent.
    """
    match condition:
        case Every(of):
            return all(holds(each, given) for each in of)
        case Some(of):
            return any(holds(each, given) for each in of)
        case Negated(of):
            return not holds(of, given)
        case Test(question, op, value):
            return _LOOKS[op](given.get(question), value)


def tests_of(condition: Condition) -> Iterator[Test]:
    """Every test in a condition, from left to right."""
    match condition:
        case Every(of) | Some(of):
            for each in of:
                yield from tests_of(each)
        case Negated(of):
            yield from tests_of(of)
        case Test():
            yield condition


def depth_of(condition: Condition) -> int:
    """How deep a condition is nested; a single test is 1."""
    match condition:
        case Every(of) | Some(of):
            return 1 + max((depth_of(each) for each in of), default=0)
        case Negated(of):
            return 1 + depth_of(of)
        case Test():
            return 1


def both(one: Condition | None, other: Condition | None) -> Condition | None:
    """What holds where both do; None stands for what always holds."""
    if one is None or other is None:
        return one or other
    return Every((one, other))


_Look = Callable[[Given | None, Literal], bool]


def _equal(given: Given | None, value: Literal) -> bool:
    if isinstance(given, frozenset):
        return given == frozenset(_texts(value))
    return given is not None and given == value


def _among(given: Given | None, value: Literal) -> bool:
    return isinstance(given, int | str) and isinstance(value, Sequence) and given in value


def _chosen(given: Given | None) -> frozenset[str]:
    if isinstance(given, frozenset):
        return given
    return frozenset() if given is None else frozenset((str(given),))


def _texts(value: Literal) -> frozenset[str]:
    if value is None:
        return frozenset()
    return frozenset(map(str, value if isinstance(value, tuple) else (value,)))


def _compared(compare: Callable[[int, int], bool]) -> _Look:
    def look(given: Given | None, value: Literal) -> bool:
        return isinstance(given, int) and isinstance(value, int) and compare(given, value)

    return look


_LOOKS: Final[Mapping[Op, _Look]] = {
    Op.ANSWERED: lambda given, _: given is not None,
    Op.UNANSWERED: lambda given, _: given is None,
    Op.EQ: _equal,
    Op.NE: lambda given, value: not _equal(given, value),
    Op.LT: _compared(lambda one, other: one < other),
    Op.LE: _compared(lambda one, other: one <= other),
    Op.GT: _compared(lambda one, other: one > other),
    Op.GE: _compared(lambda one, other: one >= other),
    Op.IN: _among,
    Op.NOT_IN: lambda given, value: not _among(given, value),
    Op.CONTAINS: lambda given, value: _texts(value) <= _chosen(given),
    Op.NOT_CONTAINS: lambda given, value: not _texts(value) <= _chosen(given),
    Op.CONTAINS_ANY: lambda given, value: bool(_texts(value) & _chosen(given)),
    Op.CONTAINS_ALL: lambda given, value: _texts(value) <= _chosen(given),
}
