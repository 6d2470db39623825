"""The fields of a body that is a form, or a JSON object in the place of one."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from otklik_contact_center.domain.providers.pushed import UnreadableError, a_mapping

MOST_FIELDS: Final = 500


def fields_of(body: bytes) -> Mapping[str, Any]:
    """The fields by name, of each name the last one. Raises UnreadableError."""
    if body.lstrip()[:1] in {b"{", b"["}:
        return a_mapping(body)
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        pairs = []
    if not pairs:
        raise UnreadableError("the body is neither JSON nor a form", "тело – не JSON и не форма")
    return dict(pairs)
