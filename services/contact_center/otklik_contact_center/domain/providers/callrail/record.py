"""What stands in a body of CallRail, JSON or a form, and the values of its fields."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple

from otklik_contact_center.domain.events import (
    MAX_ATTRIBUTE_LENGTH,
    MAX_CODE,
    MAX_SECONDS,
    MAX_TEXT,
)
from otklik_contact_center.domain.mapping_times import zone_of
from otklik_contact_center.domain.providers.forms import fields_of
from otklik_contact_center.domain.providers.pushed import text_of


class Record(NamedTuple):
    """
    The fields of a push.

    Attributes:
        zone: Of times that say none.
    """

    fields: Mapping[str, Any]
    zone: tzinfo

    def text(self, *names: str) -> str | None:
        """A short text under the first of the names that says one."""
        for name in names:
            text = text_of(self.fields.get(name))
            if text is not None:
                return text[:MAX_CODE].strip()
        return None

    def words(self, name: str) -> str | None:
        """What somebody wrote."""
        value = self.fields.get(name)
        return value[:MAX_TEXT] if isinstance(value, str) and value else None

    def names(self, name: str) -> str | None:
        """A list of texts, or of objects with names, in one text."""
        found = self.fields.get(name)
        if not isinstance(found, list):
            return None
        texts = [text_of(one.get("name") if isinstance(one, dict) else one) for one in found]
        return ", ".join(text for text in texts if text)[:MAX_ATTRIBUTE_LENGTH] or None

    def is_true(self, name: str) -> bool:
        """Whether a field says yes; forms say it in words."""
        value = self.fields.get(name)
        return value is True or (isinstance(value, str) and value.strip().lower() in {"true", "1"})

    def seconds(self, name: str) -> int:
        """A whole number of seconds, of at most a year; 0 where there is none."""
        text = self.text(name)
        if text is None or not (text.isascii() and text.isdecimal()) or len(text) > 10:
            return 0
        return int(text) if int(text) <= MAX_SECONDS else 0

    def after(self, at: datetime, name: str) -> datetime:
        """A time so many seconds later as a field says."""
        try:
            return at + timedelta(seconds=self.seconds(name))
        except OverflowError:
            return at

    def moment(self, *names: str) -> datetime | None:
        """The time in ISO 8601 under the first of the names that tells one."""
        for name in names:
            found = _moment(self.fields.get(name), self.zone)
            if found is not None:
                return found
        return None

    def utc(self, name: str) -> datetime | None:
        """A time that says no zone and is UTC, as older fields are."""
        return _moment(self.fields.get(name), UTC)


def record_of(body: bytes, zone: str | None) -> Record:
    """The record in a body. Raises UnreadableError."""
    return Record(fields_of(body), _zone(zone))


def _zone(name: str | None) -> tzinfo:
    return UTC if name is None else zone_of(name) or UTC


def _moment(value: object, zone: tzinfo) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value.strip())
        return found.replace(tzinfo=found.tzinfo or zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
