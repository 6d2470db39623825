"""
What log lines and spans may carry: names on a list, and only short plain values.

Personal values reach logs by accident: in a text, in a key of a dictionary, in a path. So nothing
is shown unless its name stands here, and a name stands here only if its values are ids, counts,
codes of ours or durations. Add a name in the same commit that logs it.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any, Final
from uuid import UUID

MOST_CHARACTERS: Final = 200
MOST_ITEMS: Final = 20

_NAMES: Final = """
    tenant tenants schema service services process worker workers role principal source_id
    instance pid port host database server version environment target
    kind verb subject epoch revision event_type event_types topic topics partition partitions
    offset offsets group groups lane stage step table tables view migration grain rollup rollups
    metric metrics granularity fold_version definition definitions lock key_id member_id
    survey_id answer_id case_id contact_id customer_id purchase_id transfer_id import_id file_id
    export_id job job_id purpose scope scopes template format zone currency
    count rows records events facts items bytes size limit attempt attempts retries accepted
    duplicates refused parked dead_letters differences depth lag backlog applied skipped
    missing fields_dropped connections series labels contacts deleted inserted updated
    seconds milliseconds elapsed_ms age_seconds lag_seconds retry_after_seconds delay_seconds
    timeout_seconds started_at finished_at since until position watermark
    status code error errors places sqlstate constraint exit_code signal state ready failing
    field fields check checks outcome reason_code
    request_id trace_id method route
    logger level event timestamp
"""

ALLOWED: Final = frozenset(_NAMES.split())


def safe_fields(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The fields that may be shown, with values cut to what may be shown of them."""
    for name, value in fields.items():
        if name in ALLOWED and value is not None:
            yield name, safe_value(value)


def safe_value(value: object) -> object:  # noqa: PLR0911 - one line a type reads best
    """A value short and plain enough for a line; of anything else only its type."""
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, Enum):
        return safe_value(value.value)
    if isinstance(value, str):
        return value[:MOST_CHARACTERS]
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, BaseException):
        return type(value).__name__
    if isinstance(value, list | tuple | set | frozenset):
        return [safe_value(item) for item in list(value)[:MOST_ITEMS]]
    return f"<{type(value).__name__}>"
