"""Updates of Telegram, as its Bot API documents them, come to exact contacts."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.domain.contact import Contact
from otklik_contact_center.domain.providers import telegram
from otklik_contact_center.domain.providers.pushed import Directions, Request, UnreadableError
from tests.support import providers
from tests.support.providers import NOW

CREDENTIALS = {"secret_token": "S3cret-token_1"}
BEGAN = datetime(2026, 3, 2, 8, tzinfo=UTC)


def payloads(name: str) -> list[Any]:
    return providers.payloads(telegram, name)


def contact(said: Sequence[Any], directions: Directions | None = None) -> Contact:
    return providers.contact_of(telegram.PROVIDER, providers.as_json(said), directions)


def at(seconds: int) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def pushed(said: Any, token: str = "S3cret-token_1") -> Request:
    return Request({telegram.HEADER: token}, json.dumps(said).encode())


def test_a_chat_with_a_bot_is_one_contact_that_waits_for_a_person() -> None:
    found = contact(payloads("bot"))
    about, said = found.about, found.said
    assert (about.channel, about.direction) == ("messenger", "in")
    assert (about.external_id, about.phone) == ("telegram:710000001", "+74951230001")
    assert about.attributes == {"start": "spring_sale"}
    assert (found.outcome, found.waited_ms, found.course.ended_at) == ("open", None, None)
    assert (found.at, found.course.offered_at) == (at(5), at(5))
    assert (said.customer_messages, said.bot_messages, said.agent_messages) == (3, 1, 0)
    assert found.contradictions == ()


def test_whoever_comes_back_after_the_bot_asks_anew() -> None:
    assert contact(payloads("bot")).first_asked_at == at(60)


def test_a_business_account_s_own_words_are_the_answer() -> None:
    found = contact(payloads("business"))
    assert (found.about.agent, found.outcome) == ("720000002", "answered")
    assert (found.course.offered_at, found.course.answered_at) == (at(100), at(220))
    assert found.waited_ms == 120_000
    assert [gap.replied_at for gap in found.said.gaps] == [at(220), at(360)]
    assert found.said.gaps[1].asked_at == at(300)
    assert found.contradictions == ()


def test_bots_and_notices_of_absence_are_no_answer() -> None:
    said = [one for one in payloads("business") if one["update_id"] < 6005]
    found = contact(said)
    assert (found.outcome, found.said.bot_messages, found.said.agent_messages) == ("open", 1, 0)


def test_who_writes_first_begins_the_contact() -> None:
    found = contact(payloads("business_first"))
    assert (found.about.direction, found.about.external_id) == ("out", "telegram:710000001")
    assert (found.attempted_at, found.connected_at) == (at(0), at(600))


def test_a_customer_has_a_chat_with_the_bot_and_one_with_each_business_account() -> None:
    bodies = providers.as_json([*payloads("bot"), *payloads("business")])
    found = providers.contacts_of(telegram.PROVIDER, bodies)
    assert set(found) == {"710000001", "bc_Xk1:710000001"}
    assert {one.about.external_id for one in found.values()} == {"telegram:710000001"}


def test_what_is_edited_counts_once_and_keeps_both_wordings() -> None:
    events = providers.events_of(telegram.PROVIDER, providers.as_json(payloads("bot")))
    texts = {event.id: event.text for event in events if event.text}
    assert texts == {
        "710000001:102": "Здравствуйте, где заказ?",
        "710000001:102:edited:5006": "Здравствуйте, где мой заказ?",
        "710000001:105": "Вот чек",
    }


def test_another_s_card_is_not_the_customer_s_phone() -> None:
    said = payloads("bot")
    said[4]["message"]["contact"]["user_id"] = 999
    assert contact(said).about.phone is None


def test_a_card_that_the_owner_sends_is_not_the_customer_s_phone() -> None:
    said = payloads("business")
    said[4]["business_message"]["contact"] = {"phone_number": "+74951230009", "user_id": 710000001}
    assert contact(said).about.phone is None


def test_a_bot_s_message_in_a_business_chat_counts_once_when_it_is_pressed() -> None:
    said = payloads("business")
    shown = said[3]["business_message"]
    shown["from"] = shown["sender_business_bot"]
    query = {"id": "9", "from": shown["chat"], "message": shown, "data": "a"}
    pressed = [*said, {"update_id": 6010, "callback_query": query}]
    assert contact(pressed).said.bot_messages == contact(said).said.bot_messages == 1


@pytest.mark.parametrize("name", ["bot", "business", "business_first"])
def test_what_comes_in_any_order_and_again_is_the_same_contact(name: str) -> None:
    once = contact(payloads(name))
    for shuffled in providers.in_any_order(providers.as_json(payloads(name))):
        assert providers.contact_of(telegram.PROVIDER, shuffled) == once


@pytest.mark.parametrize("name", ["bot", "business", "business_first"])
def test_an_id_never_has_two_wordings(name: str) -> None:
    seen: dict[str, Any] = {}
    for event in providers.events_of(telegram.PROVIDER, providers.as_json(payloads(name))):
        assert seen.setdefault(event.id, event) == event


@pytest.mark.parametrize("said", payloads("other"), ids=lambda said: str(said["update_id"]))
def test_what_is_no_contact_makes_none(said: Any) -> None:
    assert providers.events_of(telegram.PROVIDER, providers.as_json([said])) == []


def test_the_company_s_words_stand_for_telegram_s() -> None:
    found = contact(payloads("business"), Directions(agents={"720000002": "petrov"}))
    assert found.about.agent == "petrov"


def test_unknown_fields_change_nothing() -> None:
    said = payloads("business")
    for one in said:
        one["new_in_2030"] = {"a": [1]}
        for part in one.values():
            if isinstance(part, dict):
                part["new_in_2031"] = [None]
    assert contact(said) == contact(payloads("business"))


def test_numbers_may_be_texts() -> None:
    def as_texts(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: as_texts(inner) for name, inner in value.items()}
        return str(value) if type(value) is int else value

    assert contact(as_texts(payloads("business")[1:])) == contact(payloads("business"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"1",
        b"{}",
        b"\xff",
        b'{"update_id":true}',
        b'{"update_id":1,"message":{}}',
        b'{"update_id":1,"message":{"message_id":1,"chat":{"type":"private"}}}',
        b'{"update_id":1,"message":{"chat":{"id":1,"type":"private"}}}',
    ],
)
def test_what_telegram_would_not_send_is_said(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        telegram.read(body, Directions())


def test_whoever_has_the_secret_token_is_telegram_and_nobody_else() -> None:
    said = payloads("bot")[0]
    assert telegram.fault(pushed(said), CREDENTIALS, NOW) is None
    for wrong in (
        pushed(said, "S3cret-token_2"),
        pushed(said, "S3cret-token_1 "),
        pushed(said, ""),
        Request({}, b"{}"),
        Request({telegram.HEADER: "\udcff"}, b"{}"),
    ):
        assert telegram.fault(wrong, CREDENTIALS, NOW) is not None
    assert telegram.fault(pushed(said, ""), {"secret_token": ""}, NOW) is not None


@given(st.integers(0, 13), st.integers(0, 6))
def test_a_bit_of_the_token_that_is_changed_is_seen(place: int, bit: int) -> None:
    token = providers.bit_changed(b"S3cret-token_1", place, bit).decode("latin-1")
    assert telegram.fault(pushed({}, token), CREDENTIALS, NOW) is not None


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for name, part in inner:
        yield (*path, name)
        if isinstance(part, dict | list):
            yield from places(part, (*path, name))


ALL = [one for name in ("bot", "business", "other") for one in payloads(name)]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.data())
def test_whatever_stands_in_a_field_it_is_read_or_unreadable(data: st.DataObject) -> None:
    said = json.loads(json.dumps(data.draw(st.sampled_from(ALL))))
    *way, last = data.draw(st.sampled_from(list(places(said))))
    part = said
    for name in way:
        part = part[name]
    part[last] = data.draw(JSON)
    body = json.dumps(said).encode("utf-8", "surrogatepass")
    try:
        telegram.read(body, Directions())
    except UnreadableError:
        return


@pytest.mark.parametrize("digits", [25, 400, 5000])
def test_a_number_beyond_all_measure_breaks_nothing(digits: int) -> None:
    huge = b"9" * digits
    chat = b'{"id":%b,"type":"private"}' % huge
    body = b'{"update_id":1,"message":{"message_id":1,"date":%b,"text":"a","chat":%b}}'
    try:
        assert not telegram.read(body % (huge, chat), Directions())
    except UnreadableError:
        return


@given(st.binary())
def test_whatever_comes_is_read_or_unreadable(body: bytes) -> None:
    try:
        telegram.read(body, Directions())
    except UnreadableError:
        return
