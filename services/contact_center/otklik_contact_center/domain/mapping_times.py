"""
Times as files write them: formats, and moments out of what a clock on a wall showed.

Formats are those of strptime, without its locale: names of months are English. A number may lack
its leading zero. Besides patterns there are `iso`, `epoch` (seconds) and `epoch_ms`.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

ISO: Final = "iso"
EPOCHS: Final = {"epoch": 1, "epoch_ms": 1000}

_MONTHS: Final = [
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
]
_DIRECTIVES: Final = {
    "Y": r"(\d{4})",
    "y": r"(\d{2})",
    "m": r"(\d{1,2})",
    "b": r"([A-Za-z]{3})",
    "B": r"([A-Za-z]{3,9})",
    "d": r"(\d{1,2})",
    "H": r"(\d{1,2})",
    "I": r"(\d{1,2})",
    "M": r"(\d{2})",
    "S": r"(\d{2})",
    "f": r"(\d{1,9})",
    "p": r"([AaPp]\.?[Mm]\.?)",
    "z": r"(Z|[+-]\d{2}:?\d{2})",
}
_DATE: Final = (frozenset("Yy"), frozenset("mbB"), frozenset("d"))
_DAY: Final = timedelta(days=1)
_YEAR_PIVOT: Final = 69
"""Of two-digit years, as POSIX has it: 69 is 1969, 68 is 2068."""


class NotATimeError(ValueError):
    """The text is no time of this format; the message does not show it."""


class AmbiguousError(ValueError):
    """An autumn night has this time twice."""


class NonexistentError(ValueError):
    """A spring night skips this time."""


Reader = Callable[[str], datetime]
"""Text to a time: naive where the text names no offset. Raises NotATimeError."""


class Halves(NamedTuple):
    """Which halves of a time a format tells."""

    date: bool
    time: bool


def halves_of(pattern: str) -> Halves:
    """
    What a format tells.

    Raises:
        ValueError: It is no format, tells one thing twice, or half of one; the message says what.
    """
    if pattern == ISO or pattern in EPOCHS:
        return Halves(True, True)
    letters = [letter for letter, _ in _pieces(pattern) if letter]
    if len(set(letters)) < len(letters):
        raise ValueError("says one thing twice")
    known = frozenset(letters)
    told = [bool(group & known) for group in _DATE]
    if any(told) and not all(told):
        raise ValueError("needs year, month and day, or none of them")
    if len(known & set("Yy")) > 1 or len(known & set("mbB")) > 1 or {"H", "I"} <= known:
        raise ValueError("says one thing twice")
    if ("I" in known) != ("p" in known):
        raise ValueError("needs %p with %I, and %I with %p")
    has_time = bool(known & {"H", "I"})
    if known & set("MSfz") and not has_time:
        raise ValueError("needs an hour for its minutes, seconds or offset")
    if ("S" in known and "M" not in known) or ("f" in known and "S" not in known):
        raise ValueError("leaves out what stands between hour and seconds")
    if not all(told) and not has_time:
        raise ValueError("holds neither date nor time")
    return Halves(all(told), has_time)


def _pieces(pattern: str) -> list[tuple[str, str]]:
    """Directives as (letter, ""), text between them as ("", text)."""
    pieces: list[tuple[str, str]] = []
    at = 0
    while at < len(pattern):
        if pattern[at] != "%":
            pieces.append(("", pattern[at]))
            at += 1
            continue
        letter = pattern[at + 1 : at + 2]
        if letter == "%":
            pieces.append(("", "%"))
        elif letter in _DIRECTIVES:
            pieces.append((letter, ""))
        else:
            raise ValueError(f"has the unknown directive %{letter}")
        at += 2
    return pieces


def compile_format(pattern: str) -> Reader:
    """What reads texts of a format that `halves_of` has accepted."""
    if pattern == ISO:
        return _read_iso
    if pattern in EPOCHS:
        return _epoch(EPOCHS[pattern])
    pieces = _pieces(pattern)
    written = "".join(
        _DIRECTIVES[letter] if letter else (r"\s+" if text == " " else re.escape(text))
        for letter, text in pieces
    )
    match = re.compile(written, re.ASCII).fullmatch
    letters = [letter for letter, _ in pieces if letter]

    def read(text: str) -> datetime:
        found = match(text)
        if found is None:
            raise NotATimeError("is not a time of the declared format")
        return _assembled(dict(zip(letters, found.groups(), strict=True)))

    return read


def _assembled(told: dict[str, str]) -> datetime:
    try:
        year = int(told["Y"]) if "Y" in told else _whole_year(told.get("y"))
        return datetime(
            year,
            _month(told),
            int(told.get("d", 1)),
            _hour(told),
            int(told.get("M", 0)),
            int(told.get("S", 0)),
            int(told.get("f", "0")[:6].ljust(6, "0")),
            tzinfo=_offset(told.get("z")),
        )
    except ValueError:
        raise NotATimeError("is not a time of the declared format") from None


def _whole_year(short: str | None) -> int:
    if short is None:
        return 1900
    return int(short) + (1900 if int(short) >= _YEAR_PIVOT else 2000)


def _month(told: dict[str, str]) -> int:
    if "m" in told:
        return int(told["m"])
    name = told.get("b") or told.get("B")
    return 1 if name is None else _MONTHS.index(name[:3].lower()) + 1


def _hour(told: dict[str, str]) -> int:
    if "I" not in told:
        return int(told.get("H", 0))
    hour = int(told["I"])
    if not 1 <= hour <= 12:
        raise ValueError("hours of the twelve-hour clock run from 1 to 12")
    return hour % 12 + (12 if told["p"][0] in "Pp" else 0)


def _offset(text: str | None) -> timezone | None:
    if text is None:
        return None
    if text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    if minutes >= 60:
        raise ValueError("minutes run to 59")
    ahead = timedelta(hours=hours, minutes=minutes)
    return timezone(-ahead if text[0] == "-" else ahead)


def _read_iso(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise NotATimeError("is not a time of ISO 8601") from None


_NUMBER: Final = re.compile(r"\d{1,16}(?:\.\d{1,9})?", re.ASCII)


def _epoch(parts: int) -> Reader:
    def read(text: str) -> datetime:
        if _NUMBER.fullmatch(text) is None:
            raise NotATimeError("is not a number of seconds since 1970")
        try:
            return datetime.fromtimestamp(0, UTC) + timedelta(seconds=float(text) / parts)
        except OverflowError:
            raise NotATimeError("is not a number of seconds since 1970") from None

    return read


def read_any(readers: Sequence[Reader], text: str) -> datetime:
    """The time by the first format that fits. Raises NotATimeError."""
    failed: NotATimeError | None = None
    for reader in readers:
        try:
            return reader(text)
        except NotATimeError as no:
            failed = no
    assert failed is not None
    raise failed


def joined(day: datetime, clock: datetime) -> datetime:
    """A date and a time of day, read apart."""
    return datetime.combine(day.date(), clock.timetz())


# --- Zones --------------------------------------------------------------------------------------


def zone_of(name: str) -> ZoneInfo | None:
    """The zone of that IANA name; None if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


class WallClock:
    """
    Turns what a clock showed into moments.

    Args:
        ambiguous: first, second or refuse.
        nonexistent: shift or refuse.
    """

    def __init__(self, zone: ZoneInfo, *, ambiguous: str, nonexistent: str) -> None:
        self._zone = zone
        self._ambiguous = ambiguous
        self._nonexistent = nonexistent

    def moment(self, shown: datetime) -> datetime:
        """
        The moment in UTC; a time with an offset of its own needs no zone.

        Raises:
            AmbiguousError, NonexistentError: The mapping refuses such times.
            NotATimeError: It lies outside what can be told.
        """
        try:
            if shown.tzinfo is not None:
                return shown.astimezone(UTC)
            return self._local(shown)
        except OverflowError:
            raise NotATimeError("lies outside what can be told") from None

    def moment_after(self, shown: datetime, floor: datetime) -> datetime:
        """
        The moment of a time of day that cannot lie before `floor`: if it seems to, the clock was
        set back in between, or midnight has passed. Raises like `moment`.
        """
        at = self.moment(shown)
        if at >= floor:
            return at
        if shown.tzinfo is None:
            repeated = shown.replace(tzinfo=self._zone, fold=1).astimezone(UTC)
            if repeated >= floor:
                return repeated
        return self.moment(shown + _DAY)

    def _local(self, shown: datetime) -> datetime:
        before = shown.replace(tzinfo=self._zone)
        after = before.replace(fold=1)
        # PEP 495: with fold 0 the offset from before a change of the clocks holds, with 1 the
        # one from after; they differ only in the hours that a change repeats or skips.
        first, second = before.utcoffset(), after.utcoffset()
        assert first is not None and second is not None  # noqa: PT018 - every zone has one
        if first == second:
            return before.astimezone(UTC)
        if first > second:
            if self._ambiguous == "refuse":
                raise AmbiguousError("happens twice in this night")
            return (after if self._ambiguous == "second" else before).astimezone(UTC)
        if self._nonexistent == "refuse":
            raise NonexistentError("does not exist in this night")
        return (shown - first).replace(tzinfo=UTC)
