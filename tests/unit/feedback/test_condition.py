"""Conditions: what they say of answers, how they are written, and what is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_feedback.domain.condition import (
    MOST_DEEP,
    MOST_TESTS,
    Every,
    Given,
    Negated,
    Op,
    Some,
    both,
    holds,
)
from otklik_feedback.domain.condition_form import parse_condition, written_condition
from otklik_feedback.domain.question import BadSurvey
from tests.unit.feedback.questions import when

ANSWERS: dict[str, Given] = {"nps": 6, "who": "buyer", "why": frozenset({"price", "speed"})}

CASES = [
    ("nps", "eq", 6, True),
    ("nps", "eq", 7, False),
    ("nps", "ne", 7, True),
    ("nps", "lt", 6, False),
    ("nps", "le", 6, True),
    ("nps", "gt", 6, False),
    ("nps", "ge", 6, True),
    ("nps", "in", [5, 6], True),
    ("nps", "not_in", [5, 6], False),
    ("nps", "answered", None, True),
    ("nps", "unanswered", None, False),
    ("who", "eq", "buyer", True),
    ("who", "in", ["seller"], False),
    ("why", "contains", "price", True),
    ("why", "not_contains", "price", False),
    ("why", "contains_any", ["price", "other"], True),
    ("why", "contains_all", ["price", "other"], False),
    ("why", "contains_all", ["price", "speed"], True),
    ("why", "eq", ["speed", "price"], True),
    ("why", "eq", ["price"], False),
    ("why", "ne", ["price"], True),
]


@pytest.mark.parametrize(("question", "op", "value", "expected"), CASES)
def test_a_test_looks_at_one_answer(question: str, op: str, value: Any, expected: bool) -> None:
    assert holds(parse_condition(when(question, op, value)), ANSWERS) is expected


@pytest.mark.parametrize("op", list(Op))
def test_what_is_not_answered_equals_and_contains_nothing(op: Op) -> None:
    lists = {Op.IN, Op.NOT_IN, Op.CONTAINS_ANY, Op.CONTAINS_ALL}
    value = None if op in {Op.ANSWERED, Op.UNANSWERED} else [1] if op in lists else 1
    expected = op in {Op.UNANSWERED, Op.NE, Op.NOT_IN, Op.NOT_CONTAINS}
    assert holds(parse_condition(when("nobody", op, value)), ANSWERS) is expected


def test_a_score_of_zero_is_an_answer() -> None:
    assert holds(parse_condition(when("nps", "answered")), {"nps": 0})
    assert holds(parse_condition(when("nps", "lt", 1)), {"nps": 0})


def _conditions() -> st.SearchStrategy[dict[str, Any]]:
    tests = st.sampled_from([when(q, op, value) for q, op, value, _ in CASES])
    return st.recursive(
        tests,
        lambda inner: (
            st.builds(lambda of: {"all": of}, st.lists(inner, min_size=1, max_size=3))
            | st.builds(lambda of: {"any": of}, st.lists(inner, min_size=1, max_size=3))
            | st.builds(lambda of: {"not": of}, inner)
        ),
        max_leaves=6,
    ).filter(lambda said: _deep(said) <= MOST_DEEP)


def _deep(said: Any) -> int:
    inner = [*said.get("all", ()), *said.get("any", ()), *([said["not"]] if "not" in said else [])]
    return 1 + max(map(_deep, inner), default=0)


@given(_conditions())
def test_a_condition_is_written_as_it_was_read(said: dict[str, Any]) -> None:
    assert written_condition(parse_condition(said)) == said


@given(_conditions(), _conditions())
def test_not_and_or_are_those_of_logic(one: dict[str, Any], other: dict[str, Any]) -> None:
    a, b = parse_condition(one), parse_condition(other)
    for given_ in (ANSWERS, {}):
        assert holds(Negated(a), given_) is not holds(a, given_)
        assert holds(Every((a, b)), given_) is (holds(a, given_) and holds(b, given_))
        assert holds(Some((a, b)), given_) is (holds(a, given_) or holds(b, given_))
        # De Morgan.
        either = Negated(Every((Negated(a), Negated(b))))
        assert holds(either, given_) is holds(Some((a, b)), given_)


def test_both_of_one_is_that_one() -> None:
    one = parse_condition(when("nps", "eq", 1))
    assert both(None, None) is None
    assert both(one, None) == both(None, one) == one
    assert both(one, one) == Every((one, one))


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ([], "object is expected"),
        ("nps > 3", "object is expected"),
        ({}, "write {question"),
        ({"all": []}, "write {question"),
        ({"all": [when("a", "answered")], "any": []}, "write {question"),
        ({"question": "a"}, "write {question"),
        (when("a", "eq", 1) | {"else": 1}, "write {question"),
        ({"question": 1, "op": "eq", "value": 1}, "write {question"),
        (when("a", "regex", 1), "op is one of"),
        ({"question": "a", "op": ["eq"], "value": 1}, "op is one of"),
        (when("a", "eq"), "takes a value"),
        (when("a", "answered", 1), "takes no value"),
        (when("a", "eq", 1.5), "scores or option ids"),
        (when("a", "eq", True), "scores or option ids"),
        (when("a", "in", 1), "a list of"),
        (when("a", "gt", [1]), "scores or option ids"),
        (when("a", "in", [[1]]), "scores or option ids"),
        (when("a", "in", list(range(101))), "at most 100"),
        ({"all": [when("a", "answered")] * (MOST_TESTS + 1)}, f"more than {MOST_TESTS} tests"),
        ({"all": [{"any": [when("a", "answered")] * 26}] * 2}, f"more than {MOST_TESTS} tests"),
    ],
)
def test_what_is_no_condition_is_refused_with_a_word(said: object, complaint: str) -> None:
    with pytest.raises(BadSurvey, match="visible_if") as refused:
        parse_condition(said)
    assert complaint in refused.value.detail
    assert refused.value.detail_ru


def test_conditions_are_not_deep() -> None:
    said: dict[str, Any] = when("a", "answered")
    for _ in range(MOST_DEEP - 1):
        said = {"not": said}
    parse_condition(said)
    for deeper in (1, 100_000):
        for _ in range(deeper):
            said = {"not": said}
        with pytest.raises(BadSurvey, match="deeper than"):
            parse_condition(said)
