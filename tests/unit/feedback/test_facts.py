"""Facts: the whole state, nothing personal, and always as the contract has it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_common.events.feedback import Answer as AnswerFact
from otklik_common.events.registry import decode, encode
from otklik_feedback.domain.answer import ContactKnown
from otklik_feedback.domain.body import digest_of
from otklik_feedback.domain.case import closed, contacted, open_case
from otklik_feedback.domain.facts import answer_event, case_event, next_moment, survey_event
from tests.unit.feedback.builders import MONDAY, PHONE, a_survey, an_answer, an_attribute

TENANT = "demo2abc"
TICK = timedelta(microseconds=1)

forces = st.sampled_from(["nps", "overall", "clarity", "status"])
dimensions = st.dictionaries(
    st.sampled_from(["branch", "agent", "channel", "campaign", "segment", "stage"]),
    st.text(min_size=1, max_size=20),
)


@given(
    values=st.dictionaries(forces, st.none() | st.integers(1, 7)),
    contact=dimensions,
    said=dimensions,
    weight=st.integers(1, 10**8),
    named=st.booleans(),
)
def test_an_answers_fact_is_what_its_contract_would_have_let_in(
    values: dict[str, Any],
    contact: dict[str, str],
    said: dict[str, str],
    weight: int,
    named: bool,
) -> None:
    answer = an_answer(
        values,
        survey=a_survey("forces"),
        contact=ContactKnown(contact),
        said=said,
        weight_micro=weight,
        identifiers=(PHONE,) if named else (),
    )
    event = answer_event(TENANT, answer, verb="kept")
    assert AnswerFact.model_validate(event.data.model_dump()) == event.data
    assert decode(encode(event)) == event


def test_scores_with_a_field_of_their_own_stand_there_alone() -> None:
    answer = an_answer({"nps": 9, "clarity": 6, "comment": "тайна"}, survey=a_survey("forces"))
    fact = answer_event(TENANT, answer, verb="kept").data
    assert (fact.nps, fact.scores, fact.has_text) == (9, {"clarity": 6}, True)
    assert (fact.template, fact.branch, fact.touchpoint) == ("forces", "tyumen", "viewing")
    assert "тайна" not in fact.model_dump_json()


def test_csi_sums_travel_as_micro_integers() -> None:
    survey = a_survey("csi", an_attribute("speed", 3), an_attribute("result", 0.5))
    fact = answer_event(TENANT, an_answer({"speed": 4}, survey=survey), verb="kept").data
    assert (fact.csi_score_micro, fact.csi_most_micro) == (12_000_000, 15_000_000)
    assert (fact.csi_least_micro, fact.csi_importance_micro) == (3_000_000, 3_000_000)
    assert fact.scores == {"speed": 4}


def test_a_survey_tells_its_shape_and_never_its_wording() -> None:
    event = survey_event(TENANT, a_survey("forces"), verb="created", recorded_at=MONDAY)
    assert event.revision == 1
    assert event.data.scales[:2] == ("clarity", "enjoyment")
    assert "Опрос" not in event.data.model_dump_json()
    later = survey_event(TENANT, a_survey(version=3), verb="changed", recorded_at=MONDAY + TICK)
    assert (later.revision, later.time) == (3, MONDAY + TICK)


def test_a_case_tells_its_state() -> None:
    answer = an_answer({"nps": 3}, contact=ContactKnown({"campaign": "spring", "queue": "sales"}))
    case = open_case(UUID(int=9), answer, reason="nps", due=timedelta(hours=48))
    case = closed(contacted(case, MONDAY + TICK), MONDAY + 2 * TICK, resolution="solved")
    case = replace(case, revision=3, recorded_at=MONDAY)
    event = case_event(TENANT, case, verb="closed", at=MONDAY)
    assert decode(encode(event)) == event
    fact = event.data
    assert (fact.state, fact.resolution, fact.reason) == ("closed", "solved", "nps")
    assert (fact.branch, fact.queue, fact.touchpoint) == ("tyumen", "sales", "viewing")
    assert (fact.answer, fact.identifiers) == (answer.id, (PHONE,))


@given(st.lists(st.integers(-5, 5), min_size=1))
def test_what_is_recorded_grows_whatever_the_clock_does(steps: list[int]) -> None:
    clock, last = MONDAY, None
    for step in steps:
        clock += timedelta(seconds=step)
        now = next_moment(clock, last)
        assert now >= clock
        assert last is None or now > last
        last = now


def digest(values: dict[str, Any], key: bytes = b"k" * 32, **said: Any) -> bytes:
    default: dict[str, Any] = {
        "survey": UUID(int=7),
        "answered_at": MONDAY,
        "identifiers": (PHONE,),
        "contact": None,
        "said": {"branch": "tyumen"},
        "weight_micro": 1,
    }
    return digest_of(key, values=values, **default | said)


def test_bodies_of_a_build_before_are_still_the_same() -> None:
    found = digest_of(
        b"k" * 32,
        UUID(int=7),
        MONDAY,
        ("ph1_A",),
        UUID(int=8),
        {"branch": "tyumen"},
        1_000_000,
        {"nps": 9, "comment": "да", "csat": None},
    )
    assert found.hex() == "aa5d0fabc6affe44c00afd4cd20999ebeea7afdd4c99a1762743b4f64dafa24e"
    assert digest({"nps": 9}, survey_version=1) != digest({"nps": 9})


def test_a_body_is_the_same_however_it_is_written() -> None:
    plain = digest({"nps": 9, "comment": "да"})
    assert digest({"comment": "да", "nps": 9}) == plain
    assert digest({"comment": "да", "nps": 9, "overall": None, "clarity": " "}) == plain


@pytest.mark.parametrize(
    "said",
    [
        {"values": {"nps": 8}},
        {"key": b"x" * 32},
        {"survey": UUID(int=8)},
        {"answered_at": MONDAY + TICK},
        {"identifiers": ()},
        {"contact": UUID(int=1)},
        {"said": {}},
        {"weight_micro": 2},
    ],
)
def test_a_body_that_says_something_else_is_another(said: dict[str, Any]) -> None:
    assert digest(**{"values": {"nps": 9}} | said) != digest({"nps": 9})
