"""What makes two bodies the same: a keyed digest of what they mean, not of how they are written."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from otklik_feedback.domain.values import is_blank


def digest_of(
    key: bytes,
    survey: UUID,
    answered_at: datetime,
    identifiers: tuple[str, ...],
    contact: UUID | None,
    said: Mapping[str, str],
    weight_micro: int,
    values: Mapping[str, Any],
    *,
    survey_version: int | None = None,
) -> bytes:
    """
    Digest of an answer as it was sent.

    Times are UTC, people pseudonyms, and what is blank is absent: a phone written in another way
    is the same phone. The key keeps the table from giving short comments away by trial.
    """
    meant = {name: value for name, value in values.items() if not is_blank(value)}
    parts = [survey, answered_at, identifiers, contact, dict(said), weight_micro, meant]
    if survey_version is not None:
        parts.append(survey_version)
    try:
        body = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS, default=str)
    except TypeError:  # A number beyond 64 bits: judged, and refused, with the scores.
        body = json.dumps(parts, sort_keys=True, default=str).encode()
    return hashlib.blake2b(body, key=key, digest_size=32).digest()
