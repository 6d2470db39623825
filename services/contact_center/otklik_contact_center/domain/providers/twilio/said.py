"""What stands in a body of Twilio: forms, JSON, and the values of their fields."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from otklik_contact_center.domain.events import MAX_CODE, MAX_SECONDS, MAX_TEXT
from otklik_contact_center.domain.providers.pushed import UnreadableError, text_of

MOST_FIELDS: Final = 500

HANDSETS: Final = ("client:", "sip:")
"""What addresses begin with that are no numbers: a softphone, a telephone of an exchange."""


def is_json(body: bytes) -> bool:
    """Whether a body is JSON: no name in a form of Twilio begins with a bracket."""
    return body.lstrip()[:1] in {b"[", b"{"}


def json_of(body: bytes) -> Sequence[Any]:
    """The elements of a JSON array; an object stands alone. Raises UnreadableError."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UnreadableError("the body holds no JSON", "в теле нет JSON") from None
    return found if isinstance(found, list) else [found]


def form_of(body: bytes) -> Mapping[str, frozenset[str]] | None:
    """The different values of each field of a form; None if it is none."""
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        return None
    form: dict[str, set[str]] = {}
    for name, value in pairs:
        form.setdefault(name, set()).add(value)
    return {name: frozenset(values) for name, values in form.items()}


def only_values(form: Mapping[str, frozenset[str]]) -> Mapping[str, str]:
    """The fields that have one value."""
    return {name: next(iter(values)) for name, values in form.items() if len(values) == 1}


def moment(value: object) -> datetime | None:
    """A time in RFC 2822 or ISO 8601; without a zone it is UTC, as all times of Twilio are."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value.strip())
    except ValueError:
        try:
            found = parsedate_to_datetime(value)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    try:
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def before(at: datetime, seconds: int) -> datetime:
    """A time so many seconds earlier."""
    try:
        return at - timedelta(seconds=seconds)
    except OverflowError:
        return at


class Said(NamedTuple):
    """The fields of a push."""

    fields: Mapping[str, Any]

    def text(self, name: str) -> str | None:
        """A short text, an id or a code; None where there is nothing."""
        text = text_of(self.fields.get(name))
        return None if text is None else text[:MAX_CODE].strip()

    def words(self, *names: str) -> str | None:
        """What somebody wrote, under the first of the names that says something."""
        for name in names:
            value = self.fields.get(name)
            if isinstance(value, str) and value:
                return value[:MAX_TEXT]
        return None

    def moment(self, *names: str) -> datetime | None:
        """The time under the first of the names that tells one."""
        return next(filter(None, (moment(self.fields.get(name)) for name in names)), None)

    def seconds(self, name: str) -> int | None:
        """A whole number of seconds, of at most a year."""
        text = self.text(name)
        if text is None or not (text.isascii() and text.isdecimal()) or len(text) > 10:
            return None
        return int(text) if int(text) <= MAX_SECONDS else None
