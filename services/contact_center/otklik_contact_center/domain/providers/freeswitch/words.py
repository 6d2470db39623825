"""Times, texts and reasons as FreeSWITCH writes them in records and events alike."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote

from otklik_contact_center.domain.providers.pushed import text_of

_WHOLE: Final = re.compile(r"[0-9]{1,18}")
_LAST: Final = 253_402_300_799
"""The last second of the year 9999."""

OUTCOMES: Final = {
    "TIMEOUT": "overflowed",
    "NO_AGENT_TIMEOUT": "overflowed",
    "EXIT_WITH_KEY": "transferred",
}
"""Why a member left a queue unanswered; for all other reasons it gave up."""


def said(found: Mapping[str, Any], name: str) -> str | None:
    """A text; mod_json_cdr percent-encodes values unless `encode-values` is false."""
    text = text_of(found.get(name))
    return None if text is None else text_of(unquote(text))


def of_micros(value: object) -> str | None:
    """Microseconds since 1970 as a time; None for 0, which says that it never came."""
    text = text_of(value) or ""
    micros = int(text) if _WHOLE.fullmatch(text) else 0
    seconds, rest = divmod(micros, 1_000_000)
    if not micros or seconds > _LAST:
        return None
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest).isoformat()


def of_seconds(value: object) -> str | None:
    """Seconds since 1970 as a time; None for 0."""
    text = text_of(value) or ""
    return of_micros(f"{text}000000") if re.fullmatch(r"[0-9]{1,12}", text) else None


def outcome_of(reason: str | None, key: str | None) -> str:
    """
    Why nobody answered.

    Args:
        reason: CC-Cancel-Reason.
        key: What the caller pressed to leave the queue. Before there was a reason of its own for
            that, it looked as if they had given up.
    """
    return "transferred" if key else OUTCOMES.get((reason or "").upper(), "abandoned")
