"""
The one table of what the fuzzer is told beyond the OpenAPI document, each line with its reason.

No check is switched off, for no operation. What stands here are statuses that mean a refusal as
well, rules that JSON Schema has no words for, and the answer to a batch.
"""

from collections.abc import Mapping
from typing import Any, Final

CHECKS: Final[Mapping[str, Any]] = {
    "negative_data_rejection": {
        # 413: too many bytes or items; 412: a tag that is none of ours matches nothing.
        "expected-statuses": [400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 428, 429]
    },
    "positive_data_acceptance": {
        # 412: which revision is the present one no schema knows.
        "expected-statuses": ["2xx", "3xx", 401, 403, 404, 409, 412, 429]
    },
    "missing_required_header": {
        # 428 is what RFC 6585 made for an edit without If-Match.
        "expected-statuses": [400, 401, 403, 406, 415, 422, 428]
    },
}

GENERATION: Final[Mapping[str, Any]] = {
    # A JSON string may hold NUL, PostgreSQL's text may not; the list of bad inputs sends it.
    "allow-x00": False,
}

RULES: Final[Mapping[str, str]] = {
    # Of what is known elsewhere.
    "bad_cursor": "a cursor is the `next_cursor` of a page before",
    "unknown_timezone": "the zones are those of the IANA database",
    "unknown_region": "the regions are those with phones",
    "unknown_currency": "the currencies are those of ISO 4217",
    "unknown_source": "a source must have been made",
    "unknown_survey": "a survey must have been made",
    "unknown_branch": "a branch must have been put",
    "unknown_group": "a group must have been put",
    "unknown_scope": "the scopes are told with the key",
    "idempotency_key_reused": "a key stands for the first request that it came with",
    "id_differs": "the id in the body is that of the address",
}
"""Codes of refusals → the rule that a body well-formed by its schema may still break."""
