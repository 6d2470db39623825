"""What a sales system tells of requests, and which request it belongs to."""

import json
import random
from datetime import timedelta
from typing import Any
from unittest.mock import Mock, patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.domain import lead_fold
from otklik_contact_center.domain.lead import Lead, Request, fits
from otklik_contact_center.domain.lead_fold import MOST_CONTACTS, MOST_STEPS, SKEW, fold_leads
from otklik_contact_center.domain.lead_step import STEPS, Step, Told, read_steps, told
from tests.unit.contact_center.builders import MORNING, contact_id
from tests.unit.contact_center.test_lead import DAY, a_request, only, requests

HOUR = timedelta(hours=1)
NOW = MORNING + DAY


def a_step(step: Any, hours: float = 1, **more: Any) -> Told:
    more.setdefault("at", MORNING + hours * HOUR)
    more.setdefault("lead", "crm-1")
    return Told(id=more.pop("id", f"{more['lead']}-{step}-{hours}"), step=step, **more)


def folded(*steps: Told, of: list[Request] | None = None) -> list[Lead]:
    return fold_leads([a_request()] if of is None else of, steps=steps)


def test_a_request_goes_from_step_to_step() -> None:
    lead = only(
        folded(
            a_step("assigned", 1, agent="petrova"),
            a_step("attempted", 2),
            a_step("contacted", 3),
            a_step("qualified", 4),
            a_step("showing", 26),
            a_step("showing", 50),
            a_step("deal", 700, deal="d-1"),
        )
    )
    times = [
        lead.assigned_at,
        lead.attempted_at,
        lead.contacted_at,
        lead.qualified_at,
        lead.shown_at,
        lead.dealt_at,
    ]
    assert times == [MORNING + hours * HOUR for hours in (1, 2, 3, 4, 26, 700)]
    assert (lead.agent, lead.showings, lead.closed_at, len(lead.steps)) == ("petrova", 2, None, 7)


def test_whoever_was_shown_something_was_talked_to() -> None:
    lead = only(folded(a_step("showing", 5)))
    assert lead.attempted_at == lead.contacted_at == MORNING + 5 * HOUR
    assert lead.qualified_at is None


def test_an_attempt_is_no_contact() -> None:
    lead = only(folded(a_step("attempted", 5)))
    assert (lead.attempted_at, lead.contacted_at) == (MORNING + 5 * HOUR, None)


def test_a_request_is_closed_until_somebody_works_on_it_again() -> None:
    closed = a_step("closed", 5, reason="advice", objections=("expensive", "far"))
    lead = only(folded(closed))
    assert (lead.closed_at, lead.reason) == (closed.at, "advice")
    assert lead.objections == ("expensive", "far")
    assert lead.attempted_at is None
    lead = only(folded(closed, a_step("attempted", 9)))
    assert (lead.closed_at, lead.reason, lead.objections) == (None, None, ())
    lead = only(folded(closed, a_step("attempted", 9), a_step("closed", 10, reason="lost")))
    assert lead.reason == "lost"


def test_who_calls_after_it_was_closed_asks_anew() -> None:
    calls = [a_request("first"), a_request("second", days=1)]
    assert len(folded(of=calls)) == 1
    leads = folded(a_step("closed", 5, reason="duplicate"), of=calls)
    assert [lead.requests for lead in leads] == [1, 1]
    assert [lead.closed_at is None for lead in leads] == [False, True]


def test_a_request_that_was_worked_by_the_sales_system_is_not_asked_again() -> None:
    """The next call is a request of its own, as after an attempt that we heard ourselves."""
    leads = folded(a_step("attempted", 5), of=[a_request("first"), a_request("second", days=1)])
    assert [lead.attempted_at is None for lead in leads] == [False, True]


def test_steps_of_one_request_stay_together() -> None:
    """A showing after the next call belongs to the request that the first step was of."""
    answered = MORNING + timedelta(seconds=9)
    calls = [
        a_request("first", attempted_at=answered, connected_at=answered),
        a_request("second", days=1),
    ]
    leads = folded(
        a_step("qualified", 1),
        a_step("showing", 48),
        a_step("qualified", 30, lead="crm-2"),
        of=calls,
    )
    assert [lead.steps for lead in leads] == [
        ["crm-1-qualified-1", "crm-1-showing-48"],
        ["crm-2-qualified-30"],
    ]


def test_a_step_that_names_a_contact_belongs_to_its_request() -> None:
    answered = MORNING + timedelta(seconds=9)
    calls = [
        a_request("first", attempted_at=answered, connected_at=answered),
        a_request("second", days=1, attempted_at=answered + DAY),
        a_request("third", days=2),
    ]
    leads = folded(a_step("deal", 900, deal="d", contact=contact_id("second")), of=calls)
    assert [lead.dealt_at is None for lead in leads] == [True, False, True]


def test_a_seller_s_step_is_not_for_the_buyer_s_request() -> None:
    calls = [a_request("first", party="buyer"), a_request("second", days=0.1, party="seller")]
    buyer, seller = folded(a_step("qualified", 9, party="buyer"), of=calls)
    assert (buyer.qualified_at is None, seller.qualified_at) == (False, None)


def test_of_two_requests_the_step_s_branch_tells() -> None:
    calls = [
        a_request("first", branch="omsk", attempted_at=MORNING),
        a_request("second", days=0.1, branch="tyumen"),
    ]
    assert [lead.steps for lead in folded(a_step("qualified", 9, branch="omsk"), of=calls)] == [
        ["crm-1-qualified-9"],
        [],
    ]


def test_who_reaches_one_branch_tells_nothing_of_another_s_requests() -> None:
    calls = [a_request("first", branch="omsk"), a_request("nowhere", days=60)]
    told_ = [
        a_step("qualified", 9, contact=contact_id("first"), branch="omsk"),
        a_step("deal", 10, deal="d", branch="tyumen", confined=True),
        a_step("closed", 11, contact=contact_id("first"), branch="tyumen", confined=True),
    ]
    omsk, nowhere = folded(*told_, of=calls)
    assert (omsk.steps, nowhere.steps) == (["crm-1-qualified-9"], [])
    assert folded(a_step("closed", 11, branch="omsk", confined=True), of=calls)[0].closed_at


def test_a_step_without_a_branch_is_of_the_open_request_and_not_of_one_without_a_branch() -> None:
    calls = [a_request("old"), a_request("new", days=40, branch="tyumen")]
    old, new = folded(
        a_step("closed", 5, reason="lost", lead="x"), a_step("deal", 1200, deal="d"), of=calls
    )
    assert (old.reason, old.dealt_at is None, new.dealt_at is None) == ("lost", True, False)


def test_a_call_of_ours_after_it_was_closed_is_an_attempt_and_opens_nothing() -> None:
    called = MORNING + 9 * HOUR
    ours = a_request("ours", at=called, inbound=False, attempted_at=called, connected_at=called)
    lead = only(folded(a_step("closed", 5, reason="advice"), of=[a_request(), ours]))
    assert (lead.state, lead.attempted_at, lead.contacted_at) == ("closed", called, called)


def test_a_closing_that_is_known_late_to_belong_closes_nothing_worked_on_since() -> None:
    early = a_step("closed", -100, lead="crm-1", reason="lost")
    lead = only(folded(early, a_step("showing", 50, lead="crm-1")))
    assert (lead.closed_at, lead.showings, len(lead.steps)) == (None, 1, 2)


def test_behind_a_placeholder_only_steps_that_name_a_contact_are_known() -> None:
    many = [a_step("qualified", 9 + n / 1000, id=f"s{n}", lead=f"l{n}") for n in range(MOST_STEPS)]
    named = a_step("deal", 9, contact=contact_id("first"))
    assert len(only(folded(*many)).steps) == MOST_STEPS
    assert only(folded(*many, named)).steps == [named.id]


def test_steps_that_fit_nothing_are_not_tried_again_and_again() -> None:
    """Each costs a look at the requests there are, not one before every contact."""
    calls = [
        a_request(f"c{n}", days=n / 50, attempted_at=MORNING + n / 50 * DAY) for n in range(300)
    ]
    asked = Mock(side_effect=fits)
    steps = [
        a_step("attempted", 1, id=f"s{n}", lead=f"l{n}", party="seller", confined=True, branch="x")
        for n in range(MOST_STEPS)
    ]
    with patch.object(lead_fold, "fits", asked):
        folded(*steps, of=calls)
    assert asked.call_count < 3 * len(calls) * (MOST_STEPS + len(calls))


def test_clocks_of_two_systems_may_differ_a_little() -> None:
    lead = only(folded(a_step("assigned", at=MORNING - SKEW)))
    assert lead.assigned_at == MORNING
    lead = only(folded(a_step("assigned", at=MORNING - SKEW - timedelta(seconds=1))))
    assert (lead.assigned_at, lead.steps) == (None, [])


def test_a_step_before_the_request_is_of_it_when_a_later_one_says_so() -> None:
    lead = only(folded(a_step("assigned", -5), a_step("qualified", 5)))
    assert (lead.assigned_at, len(lead.steps)) == (MORNING, 2)


def test_behind_a_switchboard_only_steps_that_name_a_contact_are_known() -> None:
    calls = [a_request(f"c{n}", days=n / 1000) for n in range(MOST_CONTACTS + 1)]
    leads = folded(a_step("qualified", 9), a_step("deal", 9, contact=contact_id("c7")), of=calls)
    assert [lead.opener.contact for lead in leads if lead.steps] == [contact_id("c7")]


@st.composite
def steps(draw: st.DrawFn, number: int) -> Told:
    branch = draw(st.sampled_from((None, "x", "y")))
    return a_step(
        draw(st.sampled_from(STEPS)),
        24 * draw(st.integers(0, 90)),
        id=f"s{number}",
        lead=f"crm-{draw(st.integers(0, 3))}",
        contact=draw(st.none() | st.integers(0, 200).map(lambda n: contact_id(f"c{n}"))),
        party=draw(st.sampled_from((None, "buyer", "seller"))),
        branch=branch,
        agent=draw(st.sampled_from((None, "x", "y"))),
        confined=branch is not None and draw(st.booleans()),
    )


SOME_STEPS = st.integers(0, 10).flatmap(lambda n: st.tuples(*(steps(i) for i in range(n))))


@given(
    st.lists(requests(), max_size=12, unique_by=lambda request: request.contact),
    SOME_STEPS,
    st.randoms(use_true_random=False),
)
def test_order_of_hearing_makes_no_difference(
    found: list[Request], told_: tuple[Told, ...], shuffle: random.Random
) -> None:
    leads = fold_leads(found, steps=told_)
    shuffle.shuffle(found)
    others = list(told_)
    shuffle.shuffle(others)
    assert fold_leads(found, steps=others) == leads
    placed = [id_ for lead in leads for id_ in lead.steps]
    assert len(placed) == len(set(placed)) <= len(told_)
    for lead in leads:
        for at in (lead.assigned_at, lead.attempted_at, lead.contacted_at, lead.shown_at):
            assert at is None or at >= lead.created_at
        if lead.contacted_at is not None and lead.steps:
            assert lead.attempted_at is not None
            assert lead.attempted_at <= lead.contacted_at
        for id_ in lead.steps:
            step = next(one for one in told_ if one.id == id_)
            assert not step.confined or lead.branch == step.branch
    of_names: dict[tuple[str | None, str], set[int]] = {}
    for number, lead in enumerate(leads):
        for id_ in lead.steps:
            step = next(one for one in told_ if one.id == id_)
            name = (step.branch if step.confined else None, step.lead)
            of_names.setdefault(name, set()).add(number)
    assert all(len(numbers) == 1 for numbers in of_names.values())


GOOD: dict[str, Any] = {
    "id": "s1",
    "lead": "crm-1",
    "step": "deal",
    "at": "2026-03-02T12:00:00+03:00",
    "customer": {"phone": "+79991234567"},
    "deal": "d-1",
    "amount": "57000.00",
    "currency": "RUB",
}


def read(*bodies: Any) -> Any:
    return read_steps(json.dumps(bodies).encode(), NOW)


def test_a_deal_is_read_with_its_amount_in_minor_units() -> None:
    (one,) = read(GOOD).taken
    assert isinstance(one.item, Step)
    kept = told(one.item, None)
    assert (kept.amount_minor, kept.currency, kept.deal) == (5_700_000, "RUB", "d-1")
    assert kept.at == MORNING.replace(hour=9, minute=0, second=0)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"customer": None}, "no_subject"),
        ({"source": "x.default"}, "no_subject"),
        ({"step": "kissed"}, "not_one_of"),
        ({"step": "showing"}, "out_of_place"),
        ({"reason": "advice"}, "out_of_place"),
        ({"deal": None}, "missing"),
        ({"currency": None}, "out_of_place"),
        ({"amount": "12,50"}, "bad_amount"),
        ({"amount": "1.234"}, "too_many_decimals"),
        ({"currency": "XXX"}, "unknown_currency"),
        ({"at": "1989-12-31T00:00:00Z"}, "time_too_old"),
        ({"at": "2027-01-01T00:00:00Z"}, "time_in_future"),
        ({"at": "2026-03-02T12:00:00"}, "time_without_zone"),
        ({"lead": "a\0b"}, "malformed"),
        ({"shoe": 1}, "unknown_field"),
        ({"objections": [str(n) for n in range(9)]}, "too_long"),
    ],
)
def test_a_bad_step_is_refused_alone(change: dict[str, Any], code: str) -> None:
    bad = {name: value for name, value in (GOOD | change).items() if value is not None}
    found = read(GOOD, bad, GOOD | {"id": "s2"})
    assert [one.item.id for one in found.taken] == ["s1", "s2"]
    assert [(one.index, one.code) for one in found.refused] == [(1, code)]


def test_a_step_of_the_company_s_own_is_no_talk_and_still_work_on_the_request() -> None:
    lead = only(folded(a_step("own", 1, own="photo", agent="petrova")))
    assert (lead.state, lead.attempted_at, lead.contacted_at) == ("waiting", None, None)
    assert (lead.agent, lead.steps) == ("petrova", ["crm-1-own-1"])
    closed = a_step("closed", 2, reason="lost")
    assert only(folded(closed, a_step("own", 1, own="photo"))).reason == "lost"
    assert only(folded(closed, a_step("own", 3, own="photo"))).closed_at is None
