"""Leads are a fold over all contacts of one person."""

import itertools
import random
from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.domain.lead import Lead, Request, also_known_as, person_of
from otklik_contact_center.domain.lead_fold import MOST_CONTACTS, STAYS_OPEN, fold_leads
from tests.unit.contact_center.builders import MORNING, contact_id

SOURCE = contact_id("source")
DAY = timedelta(days=1)


def a_request(name: str = "first", *, days: float = 0, **more: Any) -> Request:
    more.setdefault("at", MORNING + days * DAY)
    more.setdefault("inbound", True)
    return Request(contact=contact_id(name), source=SOURCE, channel="call", **more)


def only(leads: list[Lead]) -> Lead:
    assert len(leads) == 1
    return leads[0]


def test_a_missed_call_is_a_lead_that_nobody_worked() -> None:
    lead = only(fold_leads([a_request()]))
    assert lead.created_at == MORNING
    assert lead.attempted_at is None
    assert not lead.known_person


def test_calling_again_makes_no_second_lead() -> None:
    lead = only(fold_leads([a_request("first"), a_request("second", days=3)]))
    assert lead.requests == 2
    assert lead.opener.contact == contact_id("first")
    assert lead.last_requested_at == MORNING + 3 * DAY


def test_a_call_back_is_an_attempt_and_a_conversation_is_contact() -> None:
    tried = MORNING + timedelta(hours=1)
    talked = MORNING + timedelta(hours=5)
    lead = only(
        fold_leads(
            [
                a_request(),
                a_request("try", at=tried, inbound=False, attempted_at=tried),
                a_request(
                    "talk", at=talked, inbound=False, attempted_at=talked, connected_at=talked
                ),
            ]
        )
    )
    assert lead.attempt_ms == 3_600_000
    assert lead.contact_ms == 5 * 3_600_000
    assert lead.requests == 1


def test_an_answered_call_is_attempted_and_contacted_at_once() -> None:
    answered = MORNING + timedelta(seconds=9)
    lead = only(fold_leads([a_request(attempted_at=answered, connected_at=answered)]))
    assert (lead.attempt_ms, lead.contact_ms) == (9_000, 9_000)


def test_a_call_made_before_the_request_is_no_answer_to_it() -> None:
    before = MORNING - DAY
    lead = only(
        fold_leads([a_request("try", at=before, inbound=False, attempted_at=before), a_request()])
    )
    assert lead.attempted_at is None
    assert lead.known_person


def test_after_thirty_quiet_days_it_is_a_new_lead_of_a_known_person() -> None:
    leads = fold_leads([a_request("first"), a_request("second", days=30.5)])
    assert [lead.known_person for lead in leads] == [False, True]
    assert len(fold_leads([a_request("first"), a_request("second", days=30)])) == 1


def test_activity_of_either_side_keeps_a_lead_open() -> None:
    between = MORNING + 20 * DAY
    lead = only(
        fold_leads(
            [
                a_request("first"),
                # A bot dials: that is no attempt.
                a_request("dialled", at=between, inbound=False),
                a_request("second", days=45),
            ]
        )
    )
    assert lead.requests == 2


def test_buyer_and_seller_are_different_leads_of_one_person() -> None:
    leads = fold_leads(
        [a_request("first", party="buyer"), a_request("second", days=1, party="seller")]
    )
    assert [lead.party for lead in leads] == ["buyer", "seller"]


def test_a_contact_of_an_unnamed_party_belongs_to_the_open_lead() -> None:
    called = MORNING + DAY
    lead = only(
        fold_leads(
            [
                a_request("first", party="buyer"),
                a_request("second", days=0.5),
                a_request("try", at=called, inbound=False, attempted_at=called),
            ]
        )
    )
    assert lead.party == "buyer"
    assert lead.requests == 2
    assert lead.attempted_at == called


def test_what_is_asked_after_an_answer_is_asked_anew() -> None:
    answered = MORNING + timedelta(seconds=9)
    leads = fold_leads(
        [
            a_request("first", attempted_at=answered, connected_at=answered),
            a_request("second", days=1),
            a_request("third", days=2),
        ]
    )
    assert [(lead.attempted_at, lead.requests) for lead in leads] == [(answered, 1), (None, 2)]
    assert [lead.known_person for lead in leads] == [False, True]


def test_whoever_was_tried_in_vain_is_contacted_when_they_call_back() -> None:
    tried, called = MORNING + DAY, MORNING + 2 * DAY
    leads = fold_leads(
        [
            a_request("first"),
            a_request("try", at=tried, inbound=False, attempted_at=tried),
            a_request("second", at=called, attempted_at=called, connected_at=called),
        ]
    )
    assert [(lead.attempted_at, lead.contacted_at) for lead in leads] == [
        (tried, called),
        (called, called),
    ]


def test_an_answer_is_for_all_that_was_asked_before_it() -> None:
    """A chat is answered after its customer has called as well."""
    tried, answered = MORNING + timedelta(hours=1), MORNING + timedelta(hours=5)
    chat = a_request("chat", attempted_at=answered, connected_at=answered)
    call = a_request("call", at=MORNING + timedelta(hours=3))
    lead = only(fold_leads([chat, call]))
    assert (lead.requests, lead.attempted_at) == (2, answered)
    attempt = a_request("try", at=tried, inbound=False, attempted_at=tried)
    leads = fold_leads([chat, attempt, call])
    assert [lead.attempted_at for lead in leads] == [tried, answered]
    assert [lead.contacted_at for lead in leads] == [answered, answered]


def test_a_contact_without_identifiers_belongs_to_itself_alone() -> None:
    assert person_of((), contact_id("a")) != person_of((), contact_id("b"))
    assert person_of(("ph1_x", "em1_y"), contact_id("a")) == "ph1_x"


def test_a_switchboard_is_no_person() -> None:
    calls = [a_request(f"call {n}", days=n / 1000) for n in range(MOST_CONTACTS + 1)]
    assert len(fold_leads(calls)) == MOST_CONTACTS + 1
    assert len(fold_leads(calls[1:])) == 1


@st.composite
def requests(draw: st.DrawFn) -> Request:
    days = draw(st.integers(0, 90))
    worked = draw(st.none() | st.integers(0, 5))
    moment = None if worked is None else MORNING + (days + worked) * DAY
    return a_request(
        f"c{draw(st.integers(0, 200))}",
        days=days,
        inbound=draw(st.booleans()),
        party=draw(st.sampled_from((None, "buyer", "seller"))),
        branch=draw(st.sampled_from((None, "x", "y"))),
        attempted_at=moment,
        connected_at=moment if draw(st.booleans()) else None,
    )


@given(
    st.lists(requests(), max_size=15, unique_by=lambda request: request.contact),
    st.randoms(use_true_random=False),
)
def test_order_of_contacts_changes_no_lead(found: list[Request], chance: random.Random) -> None:
    leads = fold_leads(found)
    shuffled = list(found)
    chance.shuffle(shuffled)
    assert fold_leads(shuffled) == leads
    inbound = [request for request in found if request.inbound]
    assert sum(lead.requests for lead in leads) == len(inbound)
    for lead in leads:
        assert lead.attempted_at is None or lead.attempted_at >= lead.created_at
        assert lead.last_requested_at >= lead.created_at
    by_party = [lead for lead in leads if lead.party == "buyer"]
    for earlier, later in itertools.pairwise(by_party):
        assert (
            later.created_at - earlier.active_at > STAYS_OPEN
            or earlier.active_at > later.created_at
            or (earlier.attempted_at is not None and earlier.attempted_at < later.created_at)
        )


@st.composite
def of_one_month(draw: st.DrawFn) -> Request:
    """Contacts of one party, none of which is so old that a request would be another's."""
    found = draw(requests())
    days = draw(st.integers(0, 20))
    shift = MORNING + days * DAY - found.at
    return msgspec.structs.replace(
        found,
        at=found.at + shift,
        party=None,
        attempted_at=None if found.attempted_at is None else found.attempted_at + shift,
        connected_at=None if found.connected_at is None else found.connected_at + shift,
    )


@given(st.lists(of_one_month(), min_size=1, max_size=12, unique_by=lambda one: one.contact))
def test_somebody_waits_if_and_only_if_nobody_worked_after_the_last_request(
    found: list[Request],
) -> None:
    """However often the person was answered before."""
    asked = [one.at for one in found if one.inbound]
    worked = [one.attempted_at for one in found if one.attempted_at is not None]
    waits = bool(asked) and (not worked or max(worked) < max(asked))
    assert any(lead.attempted_at is None for lead in fold_leads(found)) == waits


def test_whoever_is_known_by_several_is_found_by_each() -> None:
    phone, email, external = "ph1_a", "em1_b", "x1_c"
    assert also_known_as((phone, email, external)) == (email, external)
    assert also_known_as((phone, external)) == (None, external)
    assert also_known_as((email, external)) == (None, external)
    assert also_known_as((email,)) == also_known_as(()) == (None, None)
