"""Piping: what was said before, in the words of what is asked after it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_feedback.domain.piping import MOST_FILLED, check_pipes, fill
from otklik_feedback.domain.question import BadSurvey, Words
from tests.unit.feedback.questions import a_question

EARLIER = {"q1": a_question("q1")}


def test_what_is_known_is_put_in_and_what_is_not_has_words_of_its_own() -> None:
    text = "Вы сказали: {answer.q1|ничего}. Вам помогал {contact.agent_name|наш сотрудник}?"
    assert fill(text, {"answer.q1": "дорого"}) == "Вы сказали: дорого. Вам помогал наш сотрудник?"
    assert fill(text, {"answer.q1": " \n ", "contact.agent_name": "Анна"}) == (
        "Вы сказали: ничего. Вам помогал Анна?"
    )


@pytest.mark.parametrize(
    "said",
    [
        "<script>alert(1)</script>",
        '=HYPERLINK("http://evil")',
        "👩‍👩‍👧‍👦 отлично",
        "שלום {answer.q1|x}",
        "{contact.agent_name|x}",
        r"\1 \g<0> %s {0}",
    ],
)
def test_what_is_put_in_is_text_and_nothing_else(said: str) -> None:
    known = {"answer.q1": said, "contact.agent_name": "Анна"}
    assert fill("«{answer.q1|…}»", known) == f"«{said}»"


def test_long_words_are_cut_with_an_ellipsis() -> None:
    assert fill("{answer.q1|x}", {"answer.q1": "ы" * MOST_FILLED}) == "ы" * MOST_FILLED
    cut = fill("{answer.q1|x}", {"answer.q1": "ы" * (MOST_FILLED + 1)})
    assert (len(cut), cut[-1]) == (MOST_FILLED, "…")


@given(st.text(max_size=300))
def test_any_text_without_names_stays_as_it_is(text: str) -> None:
    assert fill(text.replace("{", "("), {"answer.q1": "x"}) == text.replace("{", "(")


@pytest.mark.parametrize(
    "text",
    [
        "Ваш ответ {answer.q1}",
        "{answer.q1|}",
        "{answer.Q1|x}",
        "{answer.later|x}",
        "{contact.phone|x}",
        "{customer.name|x}",
        "{anwser.q1|x}",
        "{ answer.q1 |x}",
        "{answer.q1|x",
        "{answer.q1|{answer.q1|x}}",
        "{answer.q1.__class__|x}",
    ],
)
def test_names_that_are_on_no_list_are_refused(text: str) -> None:
    with pytest.raises(BadSurvey) as refused:
        check_pipes(a_question("q2", text=Words("Вопрос", text)), EARLIER)
    assert refused.value.detail_ru


@pytest.mark.parametrize(
    "text", ["{answer.q1|x}", "{contact.date|вчера}", "Как вам {смайл} :-{ ?", "{} {1} {:}"]
)
def test_known_names_and_plain_braces_are_taken(text: str) -> None:
    check_pipes(a_question("q2", text=Words(text, "Question")), EARLIER)


def test_texts_of_options_and_lines_are_looked_at_too() -> None:
    bad = a_question("q2", "choice", options=["{answer.q9|x}"])
    with pytest.raises(BadSurvey, match="q9"):
        check_pipes(bad, EARLIER)
