"""Clocks of contacts: what they show, when that changes by itself, and how they travel."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_common.clocks.calendar import ALWAYS, Calendar, Rules
from otklik_common.clocks.hours import Window
from otklik_common.clocks.policies import ALWAYS as EVER
from otklik_common.clocks.policies import Policies, Policy, Promise, Terms
from otklik_common.clocks.shown import stepped, time_of, verb
from otklik_common.clocks.sla import State
from otklik_common.events.access import PauseName, TargetName
from otklik_common.events.contact_center import ClockState, SlaClock
from otklik_contact_center.domain.clock import (
    About,
    ClockFact,
    Kept,
    clock_id,
    clocks,
    read,
    rendered,
)
from otklik_contact_center.domain.contact import SILENT, fold
from otklik_contact_center.domain.events import Event, in_order
from otklik_contact_center.domain.watch import CALLBACK, Watched, called_back, watched
from tests.unit.contact_center.builders import a_call, a_message, an_event, at, contact_id, events

HOUR = timedelta(hours=1)
NINE_TO_SIX = (Window(540, 1080),)
OFFICE = Calendar((Rules(ALWAYS, "UTC", (*(NINE_TO_SIX,) * 5, (), ())),))
ABOUT = About(
    source=contact_id("source"),
    channel="chat",
    party="buyer",
    branch="tyumen",
    agent="petrova",
    identifiers=("ph1_" + "a" * 22,),
)
CONTACT = contact_id("contact")
EVERYTHING = {
    name.value: Promise(HOUR, timedelta(minutes=10), business=False, pauses=frozenset({"paused"}))
    for name in TargetName
}


def policies(promises: dict[str, Promise] | None = None, **terms: Any) -> Policies:
    said = Terms(EVER, 10, promises=EVERYTHING if promises is None else promises, **terms)
    return Policies([Policy("usual", [said])], calendars={"office": OFFICE}, default="office")


def of(told: list[Event]) -> Watched:
    contact = fold(told)
    assert contact is not None
    return watched(contact, [e for e in in_order(told) if e.type not in SILENT])


def made(
    told: list[Event], now: datetime, by: Policies | None = None, known: Any = None
) -> dict[str, Kept]:
    found = clocks(
        "demo2abc", CONTACT, ABOUT, of(told), by or policies(), now=now, known=known or {}
    )
    return {kept.shown.fact.target: kept for kept in found}


def test_its_words_are_those_of_the_contract() -> None:
    assert set(ClockFact.__struct_fields__) == set(SlaClock.model_fields)
    assert {state.value for state in State} == {state.value for state in ClockState}
    assert {name.value for name in PauseName} >= {"paused", "held", "customer"}
    defaults = {
        name: field.default
        for name, field in SlaClock.model_fields.items()
        if not field.is_required()
    }
    for field in msgspec.structs.fields(ClockFact):
        if field.default is not msgspec.NODEFAULT:
            assert defaults.pop(field.name) == field.default, field.name
    assert defaults == {}


@given(st.lists(events(), min_size=1, max_size=10), st.integers(0, 4_000))
def test_what_travels_is_what_the_contract_reads(told: list[Event], seconds: int) -> None:
    if fold(told) is None:
        return
    for kept in made(told, at(seconds)).values():
        fact = kept.shown.fact
        assert read(rendered(fact)) == fact
        heard = SlaClock.model_validate_json(rendered(fact))
        assert msgspec.convert(heard.model_dump(mode="json"), ClockFact) == fact
        assert SlaClock.model_validate_json(heard.said()) == heard


@given(st.lists(events(), min_size=1, max_size=10), st.lists(st.integers(0, 20_000), max_size=6))
def test_stepping_shows_what_making_it_anew_would(told: list[Event], moments: list[int]) -> None:
    """Time alone: at any later moment a clock that was stepped equals one that is made then."""
    if fold(told) is None:
        return
    first, *later = [at(seconds) for seconds in sorted([0, *moments])]
    before = made(told, first)
    for now in later:
        after = made(told, now)
        for target, kept in before.items():
            shown = kept.shown
            while (next_ := stepped(shown, now)) != shown:
                shown = next_
            assert shown == after[target].shown, (target, now)


def test_a_clock_tells_when_it_will_show_something_else() -> None:
    (kept,) = (
        kept
        for target, kept in made([a_message("customer", 0)], at(0)).items()
        if target == "first_response"
    )
    assert (kept.shown.warn_at, kept.shown.breaches_at) == (at(3_000), at(3_600))
    assert kept.shown.next_at == at(3_000)
    soon = stepped(kept.shown, at(3_000))
    assert (soon.fact.state, soon.next_at) == ("imminent", at(3_600))
    assert stepped(soon, at(3_600)) == soon
    late = stepped(soon, at(3_600) + timedelta.resolution)
    assert (late.fact.state, late.fact.breached_at, late.next_at) == ("breaching", at(3_600), None)


def test_a_paused_clock_waits_for_nothing() -> None:
    letter = [an_event("started", 0, channel="email", direction="in"), an_event("paused", 60)]
    kept = made(letter, at(120))["resolution"]
    assert (kept.shown.fact.paused, kept.shown.fact.due_at, kept.shown.next_at) == (
        True,
        None,
        None,
    )


def test_what_was_recorded_once_is_not_shown_as_before_it() -> None:
    told = [a_message("customer", 0)]
    id_ = clock_id("demo2abc", CONTACT, "first_response", "")
    kept = made(told, at(3_000), known={id_: at(3_700)})["first_response"]
    assert (kept.id, kept.shown.fact.state) == (id_, "breaching")


def test_business_time_waits_for_its_calendar() -> None:
    promise = {"first_response": Promise(HOUR)}
    without = Policies([Policy("usual", [Terms(EVER, 10, promises=promise)])])
    assert made([a_message("customer", 0)], at(0), without) == {}
    kept = made([a_message("customer", 0)], at(0), policies(promise))["first_response"]
    assert (kept.shown.fact.calendar, kept.shown.fact.due_at) == ("office", at(3_600))


def test_what_a_policy_does_not_promise_has_no_clock() -> None:
    assert set(made(a_call(), at(0), policies({"callback": Promise(HOUR)}))) == set()
    limited = policies(conditions={"branch": frozenset({"omsk"})})
    assert made(a_call(), at(0), limited) == {}


def test_each_answer_is_promised_by_whoever_gave_it() -> None:
    chat = [
        a_message("customer", 0),
        a_message("human", 10),
        a_message("customer", 20),
        a_message("human", 50, agent="ivanov", branch="omsk"),
    ]
    fact = made(chat, at(100))["next_response"].shown.fact
    assert (fact.agent, fact.branch) == ("ivanov", "omsk")


def test_a_callback_belongs_to_the_first_contact_that_nobody_took() -> None:
    missed = of(a_call(answered=None, ended=30))

    def callbacks(**said: Any) -> list[tuple[datetime | None, str | None]]:
        asked = {"awaited": True, "at": None, "by": None, "only": True, **said}
        return [(one.ended_at, one.agent) for one in called_back(missed, **asked).watches]

    assert callbacks() == [(None, None)]
    assert callbacks(awaited=False) == []
    assert callbacks(at=at(600), by="petrova") == [(at(600), "petrova")]
    # Who called while the customer still waited has called back at once.
    assert callbacks(at=at(10)) == [(at(30), None)]
    whole = called_back(missed, awaited=True, at=None, by=None, only=False)
    assert {one.target for one in whole.watches} > {CALLBACK}


@pytest.mark.parametrize(
    ("seconds", "told", "word", "time"),
    [
        (0, [a_message("customer", 0)], "started", at(0)),
        (3_100, [a_message("customer", 0)], "due", at(9_999)),
        (3_700, [a_message("customer", 0)], "due", at(3_600)),
        (3_700, [a_message("customer", 0), a_message("human", 30)], "stopped", at(30)),
    ],
)
def test_a_clock_says_what_is_new_about_it_and_when(
    seconds: float, told: list[Event], word: str, time: datetime
) -> None:
    fact = made(told, at(seconds))["first_response"].shown.fact
    assert (verb(fact), time_of(fact, at(9_999))) == (word, time)
