"""A push of another product, what reading it needs, and what readers have in common."""

import hmac
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from otklik_contact_center.domain.mapping import Mapping as FileMapping
from otklik_contact_center.domain.signature import Fault

Event = dict[str, Any]
"""One of our own events, as it would be pushed; what is None is left out."""

MOST_CHARACTERS: Final = 200


class Request(NamedTuple):
    """
    What came.

    Attributes:
        headers: By lower-case name.
        body: As it came, whatever it is.
        rest: What stands in the address behind `/hook/`.
    """

    headers: Mapping[str, str]
    body: bytes
    rest: str = ""


class UnreadableError(Exception):
    """
    A body that its product would not have sent, as far as we know it.

    Attributes:
        ru: The same text in Russian.
    """

    def __init__(self, detail: str, ru: str) -> None:
        super().__init__(detail)
        self.ru = ru


class BadCredentialsError(Exception):
    """
    Nothing can be proved by these credentials.

    Attributes:
        ru: The same text in Russian.
    """

    def __init__(self, detail: str, ru: str) -> None:
        super().__init__(detail)
        self.ru = ru


@dataclass(frozen=True, slots=True)
class Lines:
    """Where those belong who call a number of ours."""

    branch: str | None = None
    queue: str | None = None


@dataclass(frozen=True, slots=True)
class Directions:
    """
    How a company's words stand for those of a product.

    Attributes:
        lines: By a number of ours, digits only.
        agents: Our code of an agent by theirs; who is not named keeps theirs.
        queues: The same of queues.
        zone: IANA name of the zone of times that say none; None: the product's own.
        mapping: How bodies are read whose product has no reader of its own.
    """

    lines: Mapping[str, Lines] = field(default_factory=dict)
    agents: Mapping[str, str] = field(default_factory=dict)
    queues: Mapping[str, str] = field(default_factory=dict)
    zone: str | None = None
    mapping: FileMapping | None = None

    def placed(self, event: Event) -> Event:
        """An event in the company's words; what it does not say itself its line says."""
        placed = {name: value for name, value in event.items() if value is not None}
        for name, codes in (("agent", self.agents), ("queue", self.queues)):
            if name in placed:
                placed[name] = codes.get(placed[name], placed[name])
        line = self.lines.get(digits(placed.get("to", "")))
        if line is not None:
            for name, value in (("branch", line.branch), ("queue", line.queue)):
                if value is not None:
                    placed.setdefault(name, value)
        return placed


@dataclass(frozen=True, slots=True)
class Provider:
    """
    A product that pushes.

    Attributes:
        kind: Name of its sources.
        credentials: Names of what it proves itself by, which its owner copies from it.
        fault: What is wrong with a push by these credentials at a moment; None if it is theirs.
        read: The events in a body, in no order, not yet placed; raises UnreadableError. The body
            alone says it all: it is read again when nothing else is left.
        options: Names of credentials that may be left out.
        check: Raises BadCredentialsError for those that prove nothing.
        mapped: Whether it is read by a mapping of the company's own.
        receipt: What a product wants to read once a push is kept; None for our own answer.
    """

    kind: str
    credentials: tuple[str, ...]
    fault: Callable[[Request, Mapping[str, str], datetime], Fault | None]
    read: Callable[[bytes, Directions], Sequence[Event]]
    options: tuple[str, ...] = ()
    check: Callable[[Mapping[str, str]], object] | None = None
    mapped: bool = False
    receipt: Callable[[Request, datetime], bytes | None] | None = None


WRONG: Final = Fault("the signature is wrong", "подпись неверна")


def same(one: str, other: str) -> bool:
    """Whether two secrets are one, in a time that tells nothing of them."""
    return hmac.compare_digest(
        one.encode("utf-8", "surrogateescape"), other.encode("utf-8", "surrogateescape")
    )


def digits(number: str) -> str:
    """The digits of a phone number, however it is written."""
    return "".join(filter(str.isdecimal, number))


def a_mapping(text: bytes | str) -> Mapping[str, Any]:
    """A JSON object. Raises UnreadableError."""
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UnreadableError("the body holds no JSON", "в теле нет JSON") from None
    if not isinstance(found, dict):
        raise UnreadableError("the JSON is no object", "JSON – не объект")
    return found


def text_of(value: object) -> str | None:
    """A text, whether it came as one or as a number; nothing where there is nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip()
    return text[:MOST_CHARACTERS] or None


def number_of(value: object) -> int | None:
    """A whole number, whether it came as one or as a text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return int(value)
    return None


_NUMBER: Final = re.compile(r"-?[0-9]{1,19}")


_LAST: Final = 253_402_300_799
"""The last second of the year 9999."""


def moment_of(value: object) -> str | None:
    """Seconds since 1970 as a time; None for 0, which says that it never came."""
    seconds = number_of(value)
    if not seconds or not 0 < seconds <= _LAST:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def needed(moment: str | None, name: str) -> str:
    """A moment without which nothing has happened. Raises UnreadableError."""
    if moment is None:
        raise UnreadableError(f"{name} is missing, or no time", f"{name} нет, или это не время")
    return moment


def inside(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object within an object; nothing where there is none."""
    part = found.get(name)
    return part if isinstance(part, dict) else {}


def without_nothing(events: Iterator[Event]) -> list[Event]:
    """Events whose time is known: without one nothing has happened."""
    return [event for event in events if event.get("at") is not None]
