"""What stands in a body of Calltouch, and the values of its fields."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from otklik_contact_center.domain.events import (
    MAX_ADDRESS,
    MAX_ATTRIBUTE_LENGTH,
    MAX_CODE,
    MAX_SECONDS,
)
from otklik_contact_center.domain.mapping_times import (
    NotATimeError,
    WallClock,
    compile_format,
    read_any,
    zone_of,
)
from otklik_contact_center.domain.providers.forms import fields_of
from otklik_contact_center.domain.providers.pushed import digits

ZONE: Final = "Europe/Moscow"
"""Of accounts that say no other."""

NOTHING: Final = frozenset(("null", "(not set)", "<не указано>", "<не заполнено>"))
"""Texts that stand where a value is missing."""

_SHOWN: Final = [compile_format(one) for one in ("%Y-%m-%d %H:%M:%S", "iso")]
_SECONDS: Final = [compile_format("epoch")]
_SENT: Final = [*_SECONDS, *_SHOWN]

_LAST_SECOND: Final = 253_402_300_799
"""The last one of the year 9999: whatever is greater counts milliseconds."""


class Lead(NamedTuple):
    """
    The fields of a push: a call or a request.

    Attributes:
        clock: Of times that say no zone.
    """

    fields: Mapping[str, Any]
    clock: WallClock

    def text(self, name: str) -> str | None:
        """A text, as a number too; None where there is none, or one that says so."""
        value = self.fields.get(name)
        if isinstance(value, bool) or not isinstance(value, str | int):
            return None
        text = str(value).strip()[:MAX_ATTRIBUTE_LENGTH]
        return None if not text or text.lower() in NOTHING else text

    def link(self, name: str) -> str | None:
        """An address; None for one that is too long to be kept whole."""
        text = self.text(name)
        return None if text is None or len(text) == MAX_ATTRIBUTE_LENGTH else text

    def code(self, name: str) -> str | None:
        """A text that is short enough to be a code."""
        text = self.text(name)
        return None if text is None else text[:MAX_CODE].strip()

    def phone(self, name: str) -> str | None:
        """A number; None where it is withheld, which is written in words."""
        text = self.text(name)
        return text[:MAX_ADDRESS] if text is not None and digits(text) else None

    def seconds(self, name: str) -> int | None:
        """A whole number of seconds, of at most a year; None where there is none."""
        text = self.text(name)
        if text is None or not (text.isascii() and text.isdecimal()) or len(text) > 10:
            return None
        return int(text) if int(text) <= MAX_SECONDS else None

    def moment(self, name: str) -> datetime | None:
        """A time as the clock of the account shows it."""
        return self._read(self.text(name), _SHOWN)

    def instant(self, name: str) -> datetime | None:
        """A number of seconds since 1970; None for 0, which says that it never came."""
        text = self.text(name)
        return None if text == "0" else self._read(text, _SECONDS)

    def sent(self) -> datetime | None:
        """
        When Calltouch sent the push.

        How it is written could not be confirmed, so it is read as whatever it is: seconds or
        milliseconds since 1970, or a time as the clock of the account shows it.
        """
        text = self.text("sendingTimestamp")
        if text is not None and text.isascii() and text.isdecimal() and int(text) > _LAST_SECOND:
            text = text[:-3]
        return None if text == "0" else self._read(text, _SENT)

    def changed(self) -> bool:
        """Whether the push tells that something known before has become another."""
        named = self.fields.get("changedFields")
        return bool(named) if isinstance(named, list) else self.text("changedFields") is not None

    def _read(self, text: str | None, formats: list[Any]) -> datetime | None:
        if text is None:
            return None
        try:
            return self.clock.moment(read_any(formats, text))
        except (NotATimeError, OverflowError):
            return None


def after(at: datetime, seconds: int) -> datetime:
    """A time so many seconds later; the same one where that cannot be told."""
    try:
        return at + timedelta(seconds=seconds)
    except OverflowError:
        return at


def lead_of(body: bytes, zone: str | None) -> Lead:
    """The lead in a body. Raises UnreadableError."""
    found = zone_of(zone or ZONE) or zone_of(ZONE)
    assert found is not None, ZONE
    return Lead(fields_of(body), WallClock(found, ambiguous="first", nonexistent="shift"))
