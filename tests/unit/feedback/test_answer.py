"""Answers: what is kept of a body, and what is refused."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_feedback.domain.answer import (
    AskedOnce,
    ContactKnown,
    SurveyInactive,
    UnknownQuestion,
    accept,
    judge,
)
from otklik_feedback.domain.question import MICRO
from otklik_feedback.domain.scale import ScoreOffScale, WrongScore
from otklik_feedback.domain.values import MOST_COMMENT, BadComment
from tests.unit.feedback.builders import MAIL, PHONE, a_body, a_survey, an_answer, an_attribute

CALL = ContactKnown(
    {"branch": "perm", "agent": "petrova", "channel": "call", "party": "buyer"}, (MAIL,)
)


def test_scores_reach_the_fields_that_metrics_are_made_of() -> None:
    content, comment, _ = judge(a_survey("forces"), {"nps": 9, "clarity": 6, "comment": " быстро "})
    assert content.scores == {"nps": 9, "clarity": 6}
    assert content.measures == {"nps": 9}
    assert (content.has_text, comment) == (True, "быстро")


@pytest.mark.parametrize("blank", [None, "", "  \n"])
def test_a_blank_is_no_answer(blank: Any) -> None:
    content, comment, _ = judge(a_survey(), {"nps": blank, "comment": blank})
    assert (content.scores, content.measures, content.has_text, comment) == ({}, {}, False, None)


def test_what_does_not_apply_leaves_the_base() -> None:
    content, *_ = judge(a_survey("csat"), {"csat": "na"})
    assert (content.scores, content.measures, content.not_applicable) == ({}, {}, ("csat",))


@pytest.mark.parametrize(
    ("template", "values", "refusal"),
    [
        ("nps", {"nps": 11}, ScoreOffScale),
        ("nps", {"nps": -1}, ScoreOffScale),
        ("nps", {"nps": 8.5}, ScoreOffScale),
        ("nps", {"nps": True}, WrongScore),
        ("nps", {"nps": "many"}, WrongScore),
        ("csat", {"csat": 0}, ScoreOffScale),
        ("ces", {"ces": 8}, ScoreOffScale),
        ("nps", {"csat": 5}, UnknownQuestion),
        ("enps", {"nps": 5, "enps": 5}, AskedOnce),
        ("nps", {"comment": 5}, BadComment),
        ("nps", {"comment": "я" * (MOST_COMMENT + 1)}, BadComment),
    ],
)
def test_what_the_survey_does_not_offer_is_refused(
    template: str, values: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        judge(a_survey(template), values)


def test_a_1_to_10_score_is_never_plain_nps() -> None:
    content, *_ = judge(a_survey(nps_from_one=True), {"nps": 9})
    assert content.measures == {"nps_1_10": 9}
    with pytest.raises(ScoreOffScale):
        judge(a_survey(nps_from_one=True), {"nps": 0})


importances = st.integers(1, 1000 * MICRO)
csi = st.lists(st.tuples(importances, st.none() | st.integers(1, 5)), min_size=1, max_size=24)


@given(csi)
def test_csi_sums_are_exact_over_the_answered_attributes(
    attributes: list[tuple[int, int | None]],
) -> None:
    weighed = [
        replace(an_attribute(f"a{number}"), importance_micro=micro)
        for number, (micro, _) in enumerate(attributes)
    ]
    values = {f"a{number}": score for number, (_, score) in enumerate(attributes)}
    content, *_ = judge(a_survey("csi", *weighed), values)
    given_ = [(Fraction(micro, MICRO), score) for micro, score in attributes if score is not None]
    if not given_:
        assert content.measures == {}
        return
    found = {name: Fraction(value, MICRO) for name, value in content.measures.items()}
    assert found == {
        "csi_score_micro": sum(w * s for w, s in given_),
        "csi_most_micro": sum(w * 5 for w, _ in given_),
        "csi_least_micro": sum(w for w, _ in given_),
        "csi_importance_micro": sum(w for w, _ in given_),
    }


def test_the_same_body_again_changes_nothing() -> None:
    assert accept(a_body(), a_survey(), an_answer()) is None


def test_another_body_is_another_answer_under_the_newest_version() -> None:
    kept = accept(a_body({"nps": 3}), a_survey(version=2), an_answer())
    assert kept is not None
    assert (kept.content.measures, kept.survey_version) == ({"nps": 3}, 2)


def test_an_inactive_survey_takes_corrections_only() -> None:
    closed = a_survey(active=False)
    with pytest.raises(SurveyInactive):
        accept(a_body(), closed, None)
    assert accept(a_body({"nps": 3}), closed, an_answer()) is not None
    assert accept(a_body(), closed, an_answer()) is None


def test_what_an_answer_says_itself_wins_over_its_contact() -> None:
    kept = an_answer(contact=CALL)
    assert kept.dimensions == {
        "branch": "tyumen",
        "touchpoint": "viewing",
        "agent": "petrova",
        "channel": "call",
        "party": "buyer",
    }
    assert kept.identifiers == (PHONE,)


def test_an_answer_without_a_customer_has_its_contacts() -> None:
    kept = an_answer(contact=CALL, identifiers=())
    assert (kept.identifiers, kept.own_identifiers) == ((MAIL,), ())


def test_whoever_answers_in_confidence_is_named_by_nothing() -> None:
    said = {"branch": "tyumen", "agent": "petrova"}
    kept = an_answer(survey=a_survey("enps", anonymous=True), contact=CALL, said=said)
    assert kept.anonymous
    assert (kept.identifiers, kept.contact, kept.source, kept.customer) == ((), None, None, None)
    assert kept.dimensions == {"branch": "tyumen"}


any_value = st.none() | st.booleans() | st.integers(-20, 20) | st.floats() | st.text(max_size=3)


@given(st.dictionaries(st.sampled_from(["nps", "overall", "clarity", "comment"]), any_value))
def test_whatever_is_kept_stands_on_its_scale(values: dict[str, Any]) -> None:
    survey = a_survey("forces")
    try:
        content, *_ = judge(survey, values)
    except (ScoreOffScale, WrongScore, BadComment):
        return
    for name, score in content.scores.items():
        scale = survey.by_name[name].scale
        assert scale is not None
        assert type(score) is int
        assert scale.least <= score <= scale.most
        assert values[name] == score
