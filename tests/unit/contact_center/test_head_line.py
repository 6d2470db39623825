"""What comes to the head has a channel of its own, and stays a call or a letter."""

from typing import Any

import pytest

from otklik_common.events.contact_center import CHANNEL_NAMES, Channel, channel_of, said_of
from otklik_contact_center.domain.contact import Contact
from otklik_contact_center.domain.facts import contact_fact
from otklik_contact_center.domain.head_line import by_head_line, line_of
from tests.support.facts import SOURCE
from tests.unit.contact_center.builders import an_event, at, folded

LINES = frozenset(("+74951234567", "director@example.com", "7001"))


def a_call_to(line: str, **more: Any) -> Contact:
    return folded(
        an_event("queued", channel="call", direction="in", from_="+79990000001", to=line, **more),
        an_event("answered", 20, agent="ivanov", actor="human"),
        an_event("ended", 80),
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("+7 (495) 123-45-67", "+74951234567"),
        ("8 495 123 45 67", "+74951234567"),
        ("sip:84951234567@pbx.example", "+74951234567"),
        (" Director@Example.COM ", "director@example.com"),
        ("7001", "7001"),
        ("Boss", "boss"),
        ("PJSIP/7001", "7001"),
        ("pjsip/7001-0000001A", "7001"),
        ("SIP/7001-0000001a", "7001"),
        ("PJSIP/7001@trunk-0000001a", "7001"),
        ("Local/7001@from-internal-0000001a;2", "7001"),
        ("IAX2/7001-4242", "7001"),
        ("DAHDI/7001-1", "7001"),
        ("sip:7001@pbx.example", "7001"),
        ("sips:7001@pbx.example;transport=tls", "7001"),
        ("tel:7001", "7001"),
        ("SIP/Boss-0000001a", "boss"),
        ("SIP/84951234567-0000001a", "+74951234567"),
        ("SIP/8-495-123-45-67", "+74951234567"),
        # A dash is of the name where no call is meant by it.
        ("SIP/head-office", "head-office"),
        ("SIP/head-cafe", "head-cafe"),
        ("7001-0000001a", "7001-0000001a"),
        ("sip:7001-0000001a@pbx.example", "7001-0000001a"),
        ("sip:director@example.com", "director"),
        ("SIP/", None),
        ("SIP/-0000001a", None),
        ("sip:@pbx.example", None),
        ("  ", None),
        ("a" * 321, None),
    ],
)
def test_a_line_is_compared_in_one_form(text: str, line: str | None) -> None:
    assert line_of(text, "RU") == line


@pytest.mark.parametrize(
    "line", ["8 (495) 123-45-67", "7001", "PJSIP/7001-0000001a", "DIRECTOR@example.com"]
)
def test_what_comes_to_the_head_is_a_channel_of_its_own(line: str) -> None:
    plain = a_call_to(line)
    contact = by_head_line(plain, LINES, "RU")
    assert (contact.about.channel, contact.about.reached_by) == ("head_line", "call")
    assert contact.about.spoken
    assert contact.course == plain.course, "nothing else of it changes"


@pytest.mark.parametrize("line", ["84951234568", "700", "director@example.org"])
def test_other_lines_are_none_of_the_heads(line: str) -> None:
    contact = a_call_to(line)
    assert by_head_line(contact, LINES, "RU") == contact
    assert by_head_line(contact, frozenset(), "RU") == contact


def test_what_goes_out_from_the_heads_line_is_of_it_as_well() -> None:
    called = folded(
        an_event("started", channel="call", direction="out", from_="7001", to="+79990000001")
    )
    assert by_head_line(called, LINES, "RU").about.channel == "head_line"
    to_the_head = folded(
        an_event("started", channel="call", direction="out", from_="7002", to="+74951234567")
    )
    assert by_head_line(to_the_head, LINES, "RU").about.channel == "call"


@pytest.mark.parametrize(
    ("more", "reached_by"),
    [
        ({"from_": "+79990000001"}, "call"),
        ({"from_": "ann@example.com"}, "email"),
        ({"from_": "anonymous", "to": "+74951234567"}, "call"),
        ({"from_": "ann"}, "other"),
        ({}, "other"),
    ],
)
def test_a_sender_may_say_it_and_addresses_show_what_it_is(
    more: dict[str, Any], reached_by: str
) -> None:
    contact = folded(an_event("queued", channel="head_line", direction="in", **more))
    assert (contact.about.channel, contact.about.reached_by) == ("head_line", reached_by)


def test_what_a_later_event_calls_it_counts_before_addresses() -> None:
    contact = folded(
        an_event("queued", channel="head_line", direction="in", from_="+79990000001"),
        an_event("ended", 90, channel="messenger"),
    )
    assert (contact.about.channel, contact.about.reached_by) == ("head_line", "messenger")
    assert contact.outcome == "abandoned"


def test_a_letter_to_the_head_is_never_given_up() -> None:
    letter = folded(
        an_event("started", channel="head_line", direction="in", from_="ann@example.com"),
        an_event("ended", 90),
    )
    assert letter.outcome == "resolved"


def test_facts_say_it_so_that_readers_of_before_can_read_them() -> None:
    contact = by_head_line(a_call_to("7001"), LINES, "RU")
    fact = contact_fact(contact, source=SOURCE, identifiers=(), allowed=frozenset())
    assert (fact.channel, fact.head_line, fact.reached_by) == (Channel.OTHER, True, Channel.CALL)
    assert channel_of(fact) == "head_line"
    usual = contact_fact(a_call_to("7"), source=SOURCE, identifiers=(), allowed=frozenset())
    assert (usual.channel, usual.head_line, usual.reached_by) == (Channel.CALL, False, None)
    assert channel_of(usual) == "call"


def test_every_name_of_a_channel_is_said_and_read_back() -> None:
    assert set(CHANNEL_NAMES) == {*(str(one) for one in Channel), "head_line"}
    for name in CHANNEL_NAMES:
        contact = folded(an_event("queued", channel=name, at=at(0)))
        fact = contact_fact(contact, source=SOURCE, identifiers=(), allowed=frozenset())
        assert (fact.channel, fact.head_line) == said_of(name)
        assert channel_of(fact) == name
