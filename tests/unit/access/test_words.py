"""Codes and addresses: the same for every reader of the description."""

import re

import pytest
from pydantic import TypeAdapter, ValidationError

from otklik_access.api.words import Code, Email

CODE, EMAIL = TypeAdapter(Code), TypeAdapter(Email)


def _takes(adapter: TypeAdapter[str], text: str) -> bool:
    try:
        adapter.validate_python(text)
    except ValidationError:
        return False
    return True


def test_codes_have_no_blank_at_their_ends() -> None:
    assert _takes(CODE, "north east")
    assert _takes(CODE, "Север-1")
    assert not _takes(CODE, "north ")


@pytest.mark.parametrize("blank", ["\x85", "\ufeff", "\xa0", "\u2028", "\u3000"])
def test_what_any_engine_calls_a_blank_is_one(blank: str) -> None:
    for adapter, text in ((CODE, f"north{blank}"), (CODE, blank), (EMAIL, f"a{blank}@example.org")):
        assert not _takes(adapter, text)
        assert not re.search(adapter.json_schema()["pattern"], text)
