"""Who turned to whom in a contact, and from which address."""

import pytest

from tests.unit.contact_center.builders import a_message, an_event, at, folded


def test_in_writing_the_words_of_a_person_answer() -> None:
    contact = folded(
        a_message("customer", 0, direction="in"), a_message("human", 90, agent="petrova")
    )
    assert contact.outcome == "answered"
    assert contact.course.answered_at == at(90)
    assert contact.about.agent == "petrova"
    assert contact.first_response_ms == 90_000


def test_a_form_without_messages_is_responded_to_by_taking_it() -> None:
    contact = folded(an_event("started", 0, channel="form"), an_event("answered", 60))
    assert contact.first_response_ms == 60_000


def test_what_we_began_has_no_first_response() -> None:
    contact = folded(
        a_message("human", 0, direction="out"),
        a_message("customer", 60),
        a_message("human", 90),
    )
    assert contact.first_asked_at is None
    assert contact.first_response_ms is None
    assert contact.connected_at == at(60)


@pytest.mark.parametrize("kind", ["started", "message"])
def test_a_reply_that_goes_out_makes_no_outbound_contact(kind: str) -> None:
    asked = an_event(kind, 0, channel="chat", actor="customer")
    contact = folded(asked, a_message("human", 90, agent="petrova", direction="out"))
    assert contact.about.direction == "in"
    assert contact.course.offered_at == at(0)
    assert (contact.outcome, contact.waited_ms) == ("answered", 90_000)


def test_a_chat_that_our_agent_begins_is_outbound_whether_or_not_it_is_said() -> None:
    said = [a_message("human", 0, agent="petrova", direction="out")]
    unsaid = [a_message("human", 0, agent="petrova")]
    for first in (said, unsaid, [a_message("bot", -5), *unsaid]):
        contact = folded(*first, a_message("customer", 60, direction="in"))
        assert contact.about.direction == "out"
        assert contact.waited_ms is None
        assert contact.outcome != "answered"
        assert contact.connected_at == at(60)


def test_a_note_or_a_greeting_begins_nothing() -> None:
    note = a_message("human", -9, agent="petrova", public=False)
    assert folded(note, a_message("customer", 0)).about.direction == "in"
    greeting = a_message("human", 3, agent="petrova")
    assert folded(an_event("started", 0, channel="chat"), greeting).about.direction == "in"


def test_a_call_may_say_its_direction_after_it_began() -> None:
    contact = folded(
        an_event("started", 0, channel="call"), an_event("ringing", 1, direction="out")
    )
    assert contact.about.direction == "out"


def test_addresses_of_every_kind_are_found() -> None:
    contact = folded(
        an_event("message", 0, channel="chat", actor="customer", from_="anna@example.test"),
        an_event("message", 1, channel="chat", actor="customer", from_="telegram:77"),
        an_event("message", 2, channel="chat", actor="human", from_="+73452000001"),
        an_event("message", 3, channel="chat", actor="customer", from_="8 (999) 123-45-67"),
    )
    about = contact.about
    assert about.email == "anna@example.test"
    assert about.external_id == "telegram:77"
    assert about.phone == "8 (999) 123-45-67"


@pytest.mark.parametrize("hidden", ["anonymous", "Restricted", "+266696687", "101"])
def test_hidden_and_internal_numbers_are_nobody(hidden: str) -> None:
    about = folded(an_event("queued", 0, channel="call", from_=hidden)).about
    assert (about.phone, about.email, about.external_id) == (None, None, None)


def test_technology_is_stripped_from_a_number() -> None:
    assert folded(
        an_event("queued", 0, channel="call", from_="sip:+79991234567@pbx")
    ).about.phone == ("+79991234567")
