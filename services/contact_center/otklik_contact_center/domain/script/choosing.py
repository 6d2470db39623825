"""Which script is meant for a contact, and why."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from otklik_contact_center.domain.script.script import Meant

CONDITIONS: Final = ("party", "direction", "channel", "queue")


class About(NamedTuple):
    """What a contact has of that by which scripts are meant."""

    party: str | None = None
    direction: str | None = None
    channel: str | None = None
    queue: str | None = None


class Chosen(NamedTuple):
    """
    The script that is meant.

    Attributes:
        matched: The conditions by which it is limited, all of which fit; none: it is meant for all.
        others: Codes of scripts that fit as well, the next likeliest first.
    """

    code: str
    matched: tuple[str, ...]
    others: tuple[str, ...]


def choose(known: Iterable[tuple[str, Meant]], about: About) -> Chosen | None:
    """
    The script with the most conditions among those that fit, the first by code among equals.

    A condition on what is not known of a contact does not fit.

    Args:
        known: Codes of scripts, each with what it is meant for; in any order.
    Returns:
        None where none fits.
    """
    fitting = [
        (conditions, code)
        for code, meant in known
        if (conditions := _fits(meant, about)) is not None
    ]
    if not fitting:
        return None
    fitting.sort(key=lambda one: (-len(one[0]), one[1]))
    (matched, code), *others = fitting
    return Chosen(code, matched, tuple(other for _, other in others))


def _fits(meant: Meant, about: About) -> tuple[str, ...] | None:
    """The conditions of a script; None where one of them does not fit."""
    wanted = {name: value for name in CONDITIONS if (value := getattr(meant, name)) is not None}
    if any(getattr(about, name) != value for name, value in wanted.items()):
        return None
    return tuple(wanted)
