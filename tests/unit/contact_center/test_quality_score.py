"""Forms and scores of evaluations: exact, whatever the order, and blind to what does not apply."""

import random
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.domain.quality.form import BadForm, Form, Question, Section, check_form
from otklik_contact_center.domain.quality.score import (
    MICRO,
    Answers,
    BadAnswers,
    check_answers,
    missing,
    score,
)


def a_question(code: str, **more: object) -> Question:
    return msgspec.convert({"code": code, **more}, Question)


def a_form(*sections: Section) -> Form:
    return Form(code="sales", sections=sections)


GREETING = Section(
    code="greeting",
    weight=20,
    questions=(
        a_question("named", weight=1),
        a_question("interrupted", good="no", weight=3),
    ),
)
NEED = Section(
    code="need",
    weight=80,
    questions=(
        a_question("asked", kind="scale", points=(0, 1, 2, 5), weight=2),
        a_question("rude", good="no", weight=0, fails_at=0, not_applicable=False),
    ),
)
FORM = a_form(GREETING, NEED)


def test_a_section_is_the_mean_by_weights_and_the_whole_that_of_the_sections() -> None:
    found = score(FORM, {"named": "yes", "interrupted": "yes", "asked": 2, "rude": "no"})
    assert [one.share for one in found.sections] == [Fraction(1, 4), Fraction(2, 5)]
    assert found.share == Fraction(20, 100) * Fraction(1, 4) + Fraction(80, 100) * Fraction(2, 5)
    assert (found.micro, found.failed) == (370_000, False)


def test_what_does_not_apply_weighs_nothing_and_its_section_no_more() -> None:
    found = score(FORM, {"named": "na", "interrupted": "na", "asked": 5, "rude": "no"})
    assert [one.share for one in found.sections] == [None, 1]
    assert found.share == 1
    assert score(FORM, dict.fromkeys(("named", "interrupted", "asked"), "na")).share is None


def test_an_automatic_fail_is_nothing_and_says_by_what() -> None:
    found = score(FORM, {"named": "yes", "interrupted": "no", "asked": 5, "rude": "yes"})
    assert (found.micro, found.unfailed, found.failed_by) == (0, Fraction(1), ("rude",))


def test_a_third_is_exact_until_it_is_written_down() -> None:
    form = a_form(Section(code="s", questions=tuple(a_question(code) for code in "abc")))
    found = score(form, {"a": "yes", "b": "no", "c": "no"})
    assert (found.share, found.micro) == (Fraction(1, 3), 333_333)


@pytest.mark.parametrize(
    ("form", "field", "code"),
    [
        (a_form(), "sections", "nothing_weighs"),
        (a_form(Section(code="s", weight=0, questions=(a_question("q"),))), "sections", "nothing_weighs"),
        (a_form(GREETING, GREETING), "sections.1.code", "repeated"),
        (a_form(GREETING, Section(code="t", questions=(a_question("named"),))), "sections.1.questions.0.code", "repeated"),
        (a_form(Section(code="s", questions=(a_question("q", kind="scale"),))), "sections.0.questions.0.points", "not_ascending"),
        (a_form(Section(code="s", questions=(a_question("q", kind="scale", points=(1, 1)),))), "sections.0.questions.0.points", "not_ascending"),
        (a_form(Section(code="s", questions=(a_question("q", points=(0, 1)),))), "sections.0.questions.0.points", "invalid"),
        (a_form(Section(code="s", questions=(a_question("q", kind="scale", points=(0, 1), good="no"),))), "sections.0.questions.0.good", "invalid"),
        (a_form(Section(code="s", questions=(a_question("q", kind="scale", good="no", fails_at=0),))), "sections.0.questions.0.points", "not_ascending"),
        (a_form(Section(code="s", questions=(a_question("q", kind="scale", points=(0, 1), fails_at=1),))), "sections.0.questions.0.fails_at", "always_fails"),
        (a_form(Section(code="s", questions=(a_question("q", fails_at=1),))), "sections.0.questions.0.fails_at", "always_fails"),
        (a_form(*(Section(code=f"s{n}", questions=tuple(a_question(f"{n}.{m}") for m in range(51))) for n in range(2))), "sections", "too_many_questions"),
    ],
)  # fmt: skip
def test_a_form_by_which_nothing_could_be_scored_is_refused(
    form: Form, field: str, code: str
) -> None:
    with pytest.raises(BadForm) as refused:
        check_form(form)
    assert (field, code) in [(one.field, one.code) for one in refused.value.errors]


def test_a_form_with_everything_is_one() -> None:
    check_form(FORM)


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({"named": "maybe"}, "bad_answer"),
        ({"named": 1}, "bad_answer"),
        ({"asked": 3}, "bad_answer"),
        ({"asked": "yes"}, "bad_answer"),
        ({"rude": "na"}, "must_apply"),
        ({"nobody": "yes"}, "unknown_question"),
    ],
)
def test_an_answer_that_its_question_does_not_know_is_refused(answers: Answers, code: str) -> None:
    with pytest.raises(BadAnswers) as refused:
        check_answers(FORM, answers)
    assert [one.code for one in refused.value.errors] == [code]


def test_what_is_missing_is_named_in_order() -> None:
    assert missing(FORM, {"interrupted": "na"}) == ["named", "asked", "rude"]


# --- Laws -----------------------------------------------------------------------------------------


@st.composite
def forms(draw: st.DrawFn) -> Form:
    sections = []
    for number in range(draw(st.integers(1, 4))):
        questions = []
        for place in range(draw(st.integers(1, 4))):
            scale = draw(st.booleans())
            points = sorted(draw(st.sets(st.integers(0, 9), min_size=2, max_size=4)))
            most = points[-1] if scale else 1
            questions.append(
                Question(
                    code=f"{number}.{place}",
                    kind="scale" if scale else "yes_no",
                    points=tuple(points) if scale else (),
                    good="yes" if scale else draw(st.sampled_from(("yes", "no"))),
                    weight=draw(st.integers(0, 5)),
                    fails_at=draw(st.one_of(st.none(), st.integers(0, most - 1)))
                    if draw(st.integers(0, 4)) == 0
                    else None,
                )
            )
        weight = draw(st.integers(0, 5))
        sections.append(Section(code=str(number), weight=weight, questions=tuple(questions)))
    return a_form(*sections)


@st.composite
def evaluated(draw: st.DrawFn) -> tuple[Form, dict[str, str | int]]:
    form = draw(forms())
    answers: dict[str, str | int] = {}
    for question in form.questions.values():
        known = ("yes", "no") if question.kind == "yes_no" else question.points
        answers[question.code] = draw(st.sampled_from((*known, "na")))
    return form, answers


@given(evaluated())
def test_a_score_is_from_nothing_to_all_and_nothing_if_it_failed(
    case: tuple[Form, dict[str, str | int]],
) -> None:
    form, answers = case
    check_answers(form, answers)
    found = score(form, answers)
    for share in (found.share, found.unfailed, *(one.share for one in found.sections)):
        assert share is None or 0 <= share <= 1
    if found.failed:
        assert found.share == 0
    if found.micro is not None:
        assert 0 <= found.micro <= MICRO


@given(evaluated())
def test_what_does_not_apply_might_as_well_not_be_asked(
    case: tuple[Form, dict[str, str | int]],
) -> None:
    form, answers = case
    asked = a_form(
        *(
            msgspec.structs.replace(
                section,
                questions=tuple(q for q in section.questions if answers[q.code] != "na"),
            )
            for section in form.sections
        )
    )
    left = {code: answer for code, answer in answers.items() if answer != "na"}
    bare, whole = score(asked, left), score(form, answers)
    assert (bare.share, bare.failed_by) == (whole.share, whole.failed_by)


@given(evaluated(), st.randoms())
def test_the_order_of_questions_sections_and_answers_changes_nothing(
    case: tuple[Form, dict[str, str | int]], dice: random.Random
) -> None:
    form, answers = case
    sections = [
        msgspec.structs.replace(
            section,
            questions=tuple(dice.sample(section.questions, len(section.questions))),
        )
        for section in form.sections
    ]
    dice.shuffle(sections)
    items = list(answers.items())
    dice.shuffle(items)
    other = score(a_form(*sections), dict(items))
    found = score(form, answers)
    assert (other.share, set(other.failed_by)) == (found.share, set(found.failed_by))


@given(evaluated(), st.integers(2, 7))
def test_weights_count_only_against_one_another(
    case: tuple[Form, dict[str, str | int]], times: int
) -> None:
    form, answers = case
    heavier = a_form(
        *(
            msgspec.structs.replace(
                section,
                weight=section.weight * times,
                questions=tuple(
                    msgspec.structs.replace(q, weight=q.weight * times) for q in section.questions
                ),
            )
            for section in form.sections
        )
    )
    assert score(heavier, answers).share == score(form, answers).share


@given(evaluated())
def test_a_better_answer_never_scores_less(case: tuple[Form, dict[str, str | int]]) -> None:
    form, answers = case
    before = score(form, answers)
    for question in form.questions.values():
        if answers[question.code] == "na":
            continue
        best = question.good if question.kind == "yes_no" else question.points[-1]
        after = score(form, {**answers, question.code: best})
        if before.unfailed is not None:
            assert before.share is not None
            assert after.share is not None
            assert after.share >= before.share
