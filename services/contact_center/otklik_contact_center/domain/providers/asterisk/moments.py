"""Times and ids as all of Asterisk's sources need them."""

import hashlib
import re
from datetime import UTC, datetime
from typing import Final

from otklik_contact_center.domain.providers.pushed import text_of

_SECONDS: Final = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,9}))?")
_WHOLE: Final = re.compile(r"[0-9]{1,18}")
_LAST: Final = 253_402_300_799
"""The last second of the year 9999."""


def instant(value: object) -> datetime | None:
    """Seconds since 1970, with or without a fraction, as a time; None where there is none."""
    text = f"{value:.6f}" if isinstance(value, float) else text_of(value) or ""
    found = _SECONDS.fullmatch(text)
    if found is None or not 0 < int(found[1]) <= _LAST:
        return None
    micros = int((found[2] or "").ljust(6, "0")[:6])
    return datetime.fromtimestamp(int(found[1]), UTC).replace(microsecond=micros)


def span(text: str | None) -> int | None:
    """A span that is a whole number, not below 0; None where there is none."""
    return int(text) if text is not None and _WHOLE.fullmatch(text) else None


def fixed_id(kind: str, *parts: object) -> str:
    """An id that what Asterisk says fixes, however long its own names are."""
    said = "\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass")
    return f"{kind}:{hashlib.sha256(said).hexdigest()[:32]}"
