"""What holds for every product whose pushes are read."""

from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otklik_contact_center.domain import providers as package
from otklik_contact_center.domain.admission import read_push
from otklik_contact_center.domain.providers import PROVIDERS
from otklik_contact_center.domain.providers.pushed import (
    Directions,
    Provider,
    Request,
    UnreadableError,
)
from tests.support.providers import NOW

FOLDER = Path(package.__file__).parent

EVERY = pytest.mark.parametrize("provider", PROVIDERS.values(), ids=list(PROVIDERS))

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3)
    ),
    max_leaves=6,
)


def credentials(provider: Provider) -> dict[str, str]:
    given = dict.fromkeys(provider.credentials, "https://example.invalid/hook")
    return {**given, "by": "address"} if provider.mapped else given


@EVERY
def test_its_page_says_how_it_is_set_up_in_both_languages(provider: Provider) -> None:
    for name in ("README.md", "README.ru.md"):
        page = (FOLDER / provider.kind / name).read_text()
        assert f'"kind":"{provider.kind}"' in page
        assert "/hook" in page
        assert all(f'"{one}"' in page for one in provider.credentials)


@EVERY
def test_nobody_without_credentials_pushes(provider: Provider) -> None:
    mine = credentials(provider)
    for request in (
        Request({}, b""),
        Request({}, b"{}"),
        Request({"authorization": "Bearer "}, b"[]", "x"),
        Request({"authorization": "Basic !"}, b"\xff", "x"),
    ):
        assert provider.fault(request, mine, NOW) is not None


@EVERY
@settings(max_examples=50)
@given(body=st.binary(max_size=200) | JSON.map(msgspec.json.encode))
def test_whatever_comes_is_read_or_said_to_be_unreadable(provider: Provider, body: bytes) -> None:
    with suppress(UnreadableError):
        events = provider.read(body, Directions())
        read_push(msgspec.json.encode([Directions().placed(one) for one in events]), NOW)


@EVERY
@settings(max_examples=50)
@given(
    headers=st.dictionaries(st.text(max_size=20), st.text(max_size=20)), body=st.binary(max_size=99)
)
def test_whatever_is_sent_is_judged(
    provider: Provider, headers: dict[str, str], body: bytes
) -> None:
    assert provider.fault(Request(headers, body), credentials(provider), NOW) is not None
