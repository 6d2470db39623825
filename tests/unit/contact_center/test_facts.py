"""Facts keep their contracts and carry nothing personal."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_common.events.contact_center import Contact as ContactFact
from otklik_common.events.contact_center import Reply
from otklik_common.events.envelope import MAX_FACT_BYTES
from otklik_common.events.leads import Lead
from otklik_contact_center.domain import facts
from otklik_contact_center.domain.contact import fold
from otklik_contact_center.domain.emission import FactTooLargeError, announcement, next_step
from otklik_contact_center.domain.events import (
    MAX_ATTRIBUTE_LENGTH,
    MAX_CODE,
    Customer,
    Event,
)
from otklik_contact_center.domain.lead_fold import fold_leads
from tests.unit.contact_center.builders import a_message, an_event, at, contact_id, histories

PSEUDONYMS = ("ph1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",)


def rendered(history: Iterable[Event], allowed: frozenset[str] = frozenset()) -> list[Any]:
    """Every fact of a contact, as it would leave."""
    contact = fold(list(history))
    if contact is None:
        return []
    subject = contact_id("contact")
    of = facts.contact_fact(
        contact, source=contact_id("source"), identifiers=PSEUDONYMS, allowed=allowed
    )
    replies = [facts.reply_fact(gap, contact, subject=subject, of=of) for gap in contact.said.gaps]
    request = facts.request_of(contact, subject=subject, of=of)
    leads = [facts.lead_fact(lead) for lead in fold_leads([request])]
    return [of, *replies, *leads]


@given(histories(), st.frozensets(st.sampled_from("ab")))
def test_what_is_built_without_validation_is_valid(
    history: list[Event], allowed: frozenset[str]
) -> None:
    kinds = (ContactFact, Reply, Lead)
    for fact in rendered(history, allowed):
        assert isinstance(fact, kinds)
        body = fact.model_dump_json()
        assert type(fact).model_validate_json(body).model_dump_json() == body


def test_only_what_is_open_again_says_since_when() -> None:
    call = [an_event("queued", 0), an_event("answered", 10), an_event("ended", 100)]
    again = [*call, an_event("reopened", 1000)]
    twice = [*again, an_event("ended", 1100), an_event("reopened", 2000)]
    found = [rendered(history)[0].open_since for history in (call, again, twice)]
    assert found == [None, at(1000), at(2000)]
    assert rendered([*twice, an_event("ended", 2100)])[0].open_since is None


@pytest.mark.parametrize("letter", ["a", "ж", "😀", '"', "\n", "\x01", "\x7f"])
def test_no_fact_is_larger_than_a_fact_may_be(letter: str) -> None:
    """However long everything is that a sender may write, and whatever it is written in."""
    code = letter * MAX_CODE
    names = [f"{letter * (MAX_CODE - 2)}{n:02}" for n in range(64)]
    event = an_event(
        "queued",
        0,
        **dict.fromkeys(
            ("party", "queue", "branch", "team", "agent", "campaign", "touchpoint", "stage"), code
        ),
        attributes=dict.fromkeys(names, letter * MAX_ATTRIBUTE_LENGTH),
    )
    for fact in rendered([event, a_message("customer", 5)], frozenset({*names, "campaign"})):
        subject = contact_id("contact")
        step = next_step(subject, None, fact.model_dump_json(exclude_none=True).encode())
        assert step is not None
        said = announcement(
            step,
            type(fact),
            tenant="demo2abc",
            verb="offered",
            time=at(0),
            recorded_at=at(0),
            traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        )
        assert len(said.payload) <= MAX_FACT_BYTES


def test_what_is_too_large_for_a_fact_is_never_announced() -> None:
    step = next_step(contact_id("contact"), None, b'"' + b"x" * MAX_FACT_BYTES + b'"')
    assert step is not None
    with pytest.raises(FactTooLargeError):
        announcement(
            step,
            ContactFact,
            tenant="demo2abc",
            verb="offered",
            time=at(0),
            recorded_at=at(0),
            traceparent=None,
        )


def test_no_canary_gets_out() -> None:
    canaries = ("+79005550101", "anna.canary@example.test", "tg:canary", "сказала канарейка")
    history = [
        an_event(
            "queued",
            0,
            channel="chat",
            from_=canaries[0],
            customer=Customer(email=canaries[1], external_id=canaries[2]),
            attributes={"comment": canaries[3]},
            campaign=canaries[3],
        ),
        a_message("customer", 1, id=canaries[0], text=canaries[3]),
        a_message("human", 5, text=canaries[3]),
    ]
    out = "".join(fact.model_dump_json() for fact in rendered(history))
    assert not [canary for canary in canaries if canary in out]


def test_attributes_and_campaigns_leave_by_the_allow_list_only() -> None:
    history = [an_event("queued", 0, campaign="autumn", attributes={"utm": "x", "note": "y"})]
    closed, *_ = rendered(history)
    assert (closed.campaign, closed.attributes) == (None, {})
    opened, *_ = rendered(history, frozenset({"campaign", "utm"}))
    assert (opened.campaign, opened.attributes) == ("autumn", {"utm": "x"})
