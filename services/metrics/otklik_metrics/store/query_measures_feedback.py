"""What each counter of clocks, reviews and claims means in SQL: see `query_measures`."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case

from otklik_common.events.contact_center import ClockState
from otklik_metrics.domain.measures_feedback import NORM

Column = ColumnElement[Any]
Term = Callable[[Any, Any], Column]
"""Of the columns of a table of facts, and of what a measure may depend on besides."""


def if_(condition: Column, value: Any = 1) -> Column:
    """The value where something holds; NULL where it does not."""
    found: Column = case((condition, value))
    return found


def in_state(state: StrEnum) -> Term:
    """Facts in a state."""
    return lambda f, _: if_(f.state == state.value)


def _standing(value: Callable[[Any], Any] = lambda _: 1) -> Term:
    return lambda f, _: if_(f.removed_at.is_(None), value(f))


_CLOCKS: Final[Mapping[str, Term]] = {
    "started": lambda f, _: if_(f.started_at.is_not(None)),
    **{state.value: in_state(state) for state in ClockState},
}

FEEDBACK: Final[Mapping[str, Mapping[str, Term]]] = {
    "sla_clock": _CLOCKS,
    "feedback_clock": _CLOCKS,
    "review": {
        "reviews": _standing(),
        "rated": lambda f, _: if_(and_(f.removed_at.is_(None), f.stars.is_not(None))),
        "stars": _standing(lambda f: f.stars),
        "stars_squared": _standing(lambda f: f.stars * f.stars),
        "replied": lambda f, _: if_(and_(f.removed_at.is_(None), f.replied_at.is_not(None))),
        "removed": lambda f, _: if_(f.removed_at.is_not(None)),
    },
    "claim": {
        "claims": lambda f, _: if_(f.received_at.is_not(None)),
        "worked_off": lambda f, _: if_(f.worked_off_at.is_not(None)),
        "worked_off_24h": lambda f, _: if_(f.worked_off_at <= f.received_at + NORM),
        "reopened": lambda f, _: if_(f.reopenings > 0),
        "waits_24h": lambda f, m: if_(
            and_(f.worked_off_at.is_(None), f.received_at + NORM < m.now)
        ),
    },
}
"""By kind and counter; `waits_24h` is true only at a moment."""
