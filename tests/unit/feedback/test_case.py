"""Cases: when one opens, whose it is, and the steps it may take."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_common.events.feedback import CaseState
from otklik_feedback.domain.answer import Answer
from otklik_feedback.domain.case import (
    AlreadyContacted,
    BadStep,
    Case,
    CaseClosed,
    closed,
    contacted,
    is_overdue,
    joined,
    open_case,
    person_of,
    placed,
    reason_of,
    reason_to_open,
)
from tests.unit.feedback.builders import MAIL, MONDAY, PHONE, a_survey, an_answer

HOUR = timedelta(hours=1)


def a_case(answer: Answer | None = None) -> Case:
    answer = answer or an_answer({"nps": 3})
    return open_case(UUID(int=9), answer, reason="nps", due=48 * HOUR)


@pytest.mark.parametrize(
    ("template", "values", "reason"),
    [
        ("nps", {"nps": 6}, "nps"),
        ("nps", {"nps": 7}, None),
        ("nps", {"nps": None}, None),
        ("csat", {"csat": 2}, "csat"),
        ("csat", {"csat": 3}, None),
        ("ces", {"ces": 3}, "ces"),
        ("ces", {"ces": 4}, None),
        ("forces", {"clarity": 1}, None),
        ("ladder", {"ladder": -1}, None),
    ],
)
def test_who_is_unhappy(template: str, values: dict[str, Any], reason: str | None) -> None:
    answer = an_answer(values, survey=a_survey(template))
    assert reason_of(answer.content) == reason
    assert reason_to_open(None, answer) == reason


def test_the_old_scale_has_detractors_too() -> None:
    assert reason_of(an_answer({"nps": 6}, survey=a_survey(nps_from_one=True)).content) == "nps"


def test_of_several_reasons_nps_is_named_first() -> None:
    content = replace(an_answer().content, measures={"ces": 1, "csat": 1, "nps": 0})
    assert reason_of(content) == "nps"
    assert reason_of(replace(content, measures={"ces": 1, "csat": 1})) == "csat"


def test_employees_and_those_in_confidence_open_no_case() -> None:
    assert reason_to_open(None, an_answer({"enps": 0}, survey=a_survey("enps"))) is None
    confidential = an_answer({"nps": 0}, survey=a_survey(anonymous=True))
    assert reason_to_open(None, confidential) is None


@given(st.lists(st.integers(0, 10), min_size=1, max_size=8))
def test_only_the_step_into_unhappiness_opens(scores: list[int]) -> None:
    before: Answer | None = None
    opened = 0
    for score in scores:
        after = an_answer({"nps": score})
        opened += reason_to_open(before, after) is not None
        before = after
    unhappy = [False, *(score <= 6 for score in scores)]
    assert opened == sum(b and not a for a, b in pairwise(unhappy))


def test_a_person_is_the_strongest_thing_known() -> None:
    answer = an_answer(identifiers=(PHONE, MAIL))
    assert person_of(answer) == PHONE
    nobody = replace(answer, identifiers=())
    assert person_of(replace(nobody, customer=UUID(int=3))) == f"customer/{UUID(int=3)}"
    assert person_of(replace(nobody, contact=UUID(int=4))) == f"contact/{UUID(int=4)}"
    assert person_of(nobody) == f"answer/{answer.id}"


def test_a_case_is_due_48_hours_after_it_opened_with_the_answer() -> None:
    case = a_case()
    assert (case.opened_at, case.due_at) == (MONDAY, MONDAY + 48 * HOUR)
    assert (case.state, case.steps, case.touchpoint) == (CaseState.OPEN, 1, "viewing")
    assert not is_overdue(case, case.due_at - HOUR)
    assert is_overdue(case, case.due_at)
    assert not is_overdue(closed(case, MONDAY, resolution="solved"), case.due_at + HOUR)


def test_it_is_contacted_then_closed() -> None:
    case = contacted(joined(a_case()), MONDAY + HOUR)
    assert (case.state, case.contacted_at, case.steps) == (
        CaseState.CONTACTED,
        MONDAY + HOUR,
        3,
    )
    case = closed(case, MONDAY + 2 * HOUR, resolution="solved")
    assert (case.state, case.closed_at, case.resolution, case.steps) == (
        CaseState.CLOSED,
        MONDAY + 2 * HOUR,
        "solved",
        4,
    )


def test_nobody_is_reached_twice_and_nothing_follows_the_end() -> None:
    reached = contacted(a_case(), MONDAY + HOUR)
    with pytest.raises(AlreadyContacted):
        contacted(reached, MONDAY + 2 * HOUR)
    done = closed(a_case(), MONDAY, resolution="unreachable")
    with pytest.raises(CaseClosed):
        contacted(done, MONDAY)
    with pytest.raises(CaseClosed):
        closed(done, MONDAY, resolution="solved")


def test_no_step_is_before_the_last() -> None:
    with pytest.raises(BadStep):
        contacted(a_case(), MONDAY - HOUR)
    with pytest.raises(BadStep):
        closed(contacted(a_case(), MONDAY + HOUR), MONDAY, resolution="solved")


def test_a_case_follows_its_answer_but_keeps_its_touchpoint() -> None:
    moved = replace(
        an_answer(), dimensions={"branch": "perm", "touchpoint": "deal"}, identifiers=(MAIL,)
    )
    case = placed(a_case(), moved)
    assert case.dimensions == {"branch": "perm", "touchpoint": "viewing"}
    assert (case.identifiers, case.person) == ((MAIL,), PHONE)
    nowhere = replace(a_case(), dimensions={})
    assert placed(nowhere, moved).dimensions == {"branch": "perm"}
