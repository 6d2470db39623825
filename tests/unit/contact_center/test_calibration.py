"""Calibration: how far evaluators are apart, exactly."""

from fractions import Fraction
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.domain.quality.calibration import compare, variance
from otklik_contact_center.domain.quality.form import Form, Question, Section
from otklik_contact_center.domain.quality.score import Answers

FORM = Form(
    code="sales",
    sections=(
        Section(code="greeting", questions=(Question(code="named"),)),
        Section(
            code="need",
            weight=3,
            questions=(
                Question(code="asked", kind="scale", points=(0, 1, 2, 5)),
                Question(code="rude", good="no", weight=0, fails_at=0),
            ),
        ),
    ),
)
AGREED: Answers = {"named": "yes", "asked": 2, "rude": "no"}


def test_variance_by_question_and_deviation_by_evaluator() -> None:
    found = compare(
        FORM,
        {
            "orlova": {"named": "yes", "asked": 5, "rude": "no"},
            "petrov": {"named": "no", "asked": 2, "rude": "no"},
            "sidorov": {"named": "na", "asked": 2, "rude": "yes"},
        },
        AGREED,
    )
    assert found.agreed == Fraction(1, 4) + Fraction(3, 4) * Fraction(2, 5) == Fraction(11, 20)
    named, asked, rude = found.questions
    assert (named.n, named.not_applicable, named.mean, named.variance) == (
        2,
        1,
        Fraction(1, 2),
        Fraction(1, 4),
    )
    assert (asked.n, asked.mean, asked.variance) == (3, Fraction(3, 5), Fraction(2, 25))
    assert (named.differing, asked.differing, rude.differing) == (2, 1, 1)
    by_name = {one.evaluator: one for one in found.evaluators}
    assert by_name["orlova"].deviation == 1 - Fraction(11, 20)
    assert by_name["orlova"].mean_distance == Fraction(3, 5) / 3
    assert by_name["petrov"].deviation == Fraction(3, 10) - Fraction(11, 20)
    # A fail that the others did not see.
    assert by_name["sidorov"].share == 0
    assert by_name["sidorov"].differing == 2
    scores = [Fraction(1), Fraction(3, 10), Fraction(0)]
    assert found.variance == variance(scores)
    assert found.mean == sum(scores) / 3


answers = st.fixed_dictionaries(
    {
        "named": st.sampled_from(("yes", "no", "na")),
        "asked": st.sampled_from((0, 1, 2, 5, "na")),
        "rude": st.sampled_from(("yes", "no", "na")),
    }
)
evaluators = st.dictionaries(st.text("abc", min_size=1, max_size=3), answers, min_size=2)


@given(evaluators, answers, st.randoms())
def test_whoever_is_asked_first_changes_nothing(
    given_: dict[str, Answers], agreed: Answers, dice: Random
) -> None:
    names = list(given_)
    dice.shuffle(names)
    shuffled = {name: given_[name] for name in names}
    assert compare(FORM, shuffled, agreed) == compare(FORM, given_, agreed)


@given(evaluators, answers)
def test_spreads_are_bounded_and_add_up(given_: dict[str, Answers], agreed: Answers) -> None:
    found = compare(FORM, given_, agreed)
    for question in found.questions:
        assert question.n + question.not_applicable == len(given_)
        assert question.variance is None or 0 <= question.variance <= Fraction(1, 4)
        assert (question.variance is None) == (question.n == 0)
    for one in found.evaluators:
        assert one.deviation is None or -1 <= one.deviation <= 1
        assert one.mean_distance is None or 0 <= one.mean_distance <= 1
    assert sum(one.differing for one in found.questions) == sum(
        one.differing for one in found.evaluators
    )


@given(answers, st.integers(2, 6))
def test_those_who_agree_are_not_apart(one: Answers, n: int) -> None:
    found = compare(FORM, {str(number): one for number in range(n)}, one)
    assert all(question.variance in (0, None) for question in found.questions)
    assert all(person.deviation in (0, None) for person in found.evaluators)
    assert all(person.differing == 0 for person in found.evaluators)
