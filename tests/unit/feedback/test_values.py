"""Values of the kinds of questions: what is taken, what is refused, what was not asked."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_common.errors import Refused
from otklik_feedback.domain.answer import judge
from otklik_feedback.domain.question import MICRO, Words
from otklik_feedback.domain.showing import showing
from otklik_feedback.domain.values import MOST_COMMENT, Read, read_value
from tests.unit.feedback.builders import a_survey
from tests.unit.feedback.questions import a_question, of_questions, when

WHO = a_question("who", "choice", options=["buyer", "seller"])
WHY = a_question("why", "multiple", options=["price", "speed", "care"], most_chosen=2)
LINES = a_question("lines", "matrix", rows=["speed_of", "care_of"])
ALL = of_questions(
    a_question("score"),
    a_question("stars", "stars"),
    a_question("agree", "agreement"),
    a_question("ladder", "ladder"),
    WHO,
    WHY,
    LINES,
    a_question("words", "text"),
    a_question("day", "date"),
)


def test_each_kind_keeps_what_was_said() -> None:
    content, comment, texts = judge(
        ALL,
        {
            "score": 0,
            "stars": 5,
            "agree": 7,
            "ladder": -1,
            "who": "buyer",
            "why": ["care", "price"],
            "lines": {"speed_of": 4, "care_of": "na"},
            "words": "  хорошо ",
            "day": "2026-02-28",
        },
    )
    assert content.scores == {"score": 0, "stars": 5, "agree": 7, "ladder": -1, "speed_of": 4}
    assert content.not_applicable == ("care_of",)
    assert content.choices == {"who": ("buyer",), "why": ("price", "care")}
    assert (comment, texts) == (None, {"words": "хорошо", "day": "2026-02-28"})
    assert content.has_text


def test_a_day_alone_is_no_words() -> None:
    content, _, texts = judge(ALL, {"day": "2026-02-28"})
    assert (content.has_text, texts) == (False, {"day": "2026-02-28"})


@pytest.mark.parametrize(
    ("question", "value", "code"),
    [
        ("score", 11, "score_off_scale"),
        ("score", -1, "score_off_scale"),
        ("score", 9.0, "score_off_scale"),
        ("score", 9.5, "score_off_scale"),
        ("score", float("nan"), "score_off_scale"),
        ("score", float("inf"), "score_off_scale"),
        ("score", True, "wrong_type"),
        ("score", "9", "wrong_type"),
        ("score", [9], "wrong_type"),
        ("stars", 6, "score_off_scale"),
        ("agree", 0, "score_off_scale"),
        ("ladder", 2, "score_off_scale"),
        ("who", "nobody", "unknown_option"),
        ("who", "Buyer", "unknown_option"),
        ("who", ["buyer"], "wrong_type"),
        ("who", 1, "wrong_type"),
        ("why", "price", "wrong_type"),
        ("why", ["price", 1], "wrong_type"),
        ("why", ["price", "other"], "unknown_option"),
        ("why", ["price", "price"], "bad_choice"),
        ("why", ["price", "speed", "care"], "bad_choice"),
        ("why", {"price": True}, "wrong_type"),
        ("lines", 4, "wrong_type"),
        ("lines", {"speed_of": 6}, "score_off_scale"),
        ("lines", {"speed_of": 4.0}, "score_off_scale"),
        ("lines", {"price": 4}, "unknown_option"),
        ("words", 5, "bad_comment"),
        ("words", "x" * (MOST_COMMENT + 1), "bad_comment"),
        ("day", "2026-02-30", "bad_date"),
        ("day", "20260228", "bad_date"),
        ("day", "28.02.2026", "bad_date"),
        ("day", 20260228, "bad_date"),
        ("other", 1, "unknown_question"),
        ("speed_of", 4, "unknown_question"),
    ],
)
def test_what_does_not_fit_is_refused_and_never_made_to_fit(
    question: str, value: Any, code: str
) -> None:
    with pytest.raises(Refused) as refused:
        judge(ALL, {question: value})
    assert refused.value.code == code
    assert refused.value.detail_ru


@pytest.mark.parametrize("blank", [None, "", "  ", [], {}])
@pytest.mark.parametrize("question", [each.id for each in ALL.questions])
def test_blank_is_no_answer(question: str, blank: Any) -> None:
    content, comment, texts = judge(ALL, {question: blank})
    assert (content.scores, content.choices, texts) == ({}, {}, {})
    assert (comment, content.not_applicable) == (None, ())


@pytest.mark.parametrize(
    "text",
    [
        "<b>жирно</b><script>alert(1)</script>",
        '=HYPERLINK("http://evil")',
        "+7 999",
        "@cmd",
        "👩‍👩‍👧‍👦😀",
        "مرحبا \u202eabc",
        "a\u0000b",
    ],
)
def test_words_are_kept_as_they_were_written(text: str) -> None:
    assert judge(ALL, {"words": text}).texts == {"words": text}


SHOWN = of_questions(
    a_question("nps"),
    a_question(
        "why", "multiple", options=["price", "rude"], visible_if=when("nps", "le", 6), required=True
    ),
    a_question("who", "text", visible_if=when("why", "contains", "rude")),
    a_question("thanks", "text", visible_if=when("nps", "ge", 9)),
)


def test_answers_to_what_was_not_asked_are_dropped_and_named() -> None:
    content, _, texts = judge(SHOWN, {"nps": 9, "why": ["rude"], "who": "Анна", "thanks": "да"})
    assert content.not_shown == ("why", "who")
    assert (content.choices, texts) == ({}, {"thanks": "да"})


def test_a_dropped_answer_shows_nothing() -> None:
    # `why` was not asked, so that `who`, which looks at it, was not asked either.
    assert [each.id for each in showing(SHOWN, {"nps": 9, "why": ["rude"]}, {})] == [
        "nps",
        "thanks",
    ]
    assert [each.id for each in showing(SHOWN, {"nps": 3, "why": ["rude"]}, {})] == [
        "nps",
        "why",
        "who",
    ]


def test_what_was_not_asked_is_held_to_its_question_all_the_same() -> None:
    with pytest.raises(Refused, match="no such option"):
        judge(SHOWN, {"nps": 9, "why": ["nonsense"]})


def test_what_must_be_answered_must_be_when_it_is_asked() -> None:
    with pytest.raises(Refused, match="'why' must be answered") as refused:
        judge(SHOWN, {"nps": 3})
    assert refused.value.code == "answer_required"
    assert judge(SHOWN, {"nps": 9}).content.scores == {"nps": 9}
    assert judge(SHOWN, {"nps": 3, "why": "na"}).content.not_applicable == ("why",)


def test_the_order_of_values_does_not_matter() -> None:
    values = {"nps": 3, "why": ["rude"], "who": "Анна"}
    assert judge(SHOWN, values) == judge(SHOWN, dict(reversed(values.items())))


def test_lines_of_a_matrix_weigh_as_attributes_do() -> None:
    row = replace(LINES.rows[0], importance_micro=3 * MICRO)
    survey = of_questions(replace(LINES, rows=(row, LINES.rows[1])))
    values = {"lines": {"speed_of": 4, "care_of": 1}}
    assert judge(survey, values).content.measures == {
        "csi_score_micro": 12 * MICRO,
        "csi_most_micro": 15 * MICRO,
        "csi_least_micro": 3 * MICRO,
        "csi_importance_micro": 3 * MICRO,
    }


def test_function_and_emotion_have_an_index_each() -> None:
    survey = a_survey("attachment")
    answers = {"solved": 7, "easy": 7, "worth": 1, "trust": 4}
    assert judge(survey, answers).content.indices == {"function_index": 67, "emotion_index": 50}
    assert judge(survey, {"solved": 7, "easy": "na"}).content.indices == {"function_index": 100}
    assert judge(survey, {"comment": "нет"}).content.indices == {}


@given(st.dictionaries(st.sampled_from(["solved", "easy", "worth"]), st.integers(1, 7)))
def test_an_index_is_0_to_100_and_the_same_for_equal_scores(scores: dict[str, Any]) -> None:
    found = judge(a_survey("attachment"), scores).content.indices
    assert set(found) == ({"function_index"} if scores else set())
    if scores:
        assert 0 <= found["function_index"] <= 100
        if len(set(scores.values())) == 1:
            exact = (next(iter(scores.values())) - 1) * 100 / 6
            assert abs(found["function_index"] - exact) <= 0.5


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["speed_of", "care_of", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.sampled_from(ALL.questions), JSON)
def test_any_value_is_read_or_refused(question: Any, value: Any) -> None:
    read = Read()
    with suppress(Refused):
        read = read_value(question, value)
    assert all(type(score) is int for score in read.scores.values())


def test_texts_and_options_are_put_into_later_words() -> None:
    survey = of_questions(
        a_question("who", "choice", options=["buyer"]),
        a_question("why", "text"),
        a_question(
            "last",
            "text",
            text=Words(*["«{answer.who|—}», «{answer.why|—}», {contact.date|-}"] * 2),
        ),
    )
    *_, last = showing(survey, {"who": "buyer", "why": "<b>{answer.who|x}</b>"}, {"phone": "1"})
    assert last.text[0] == "«Вариант buyer», «<b>{answer.who|x}</b>», -"
    assert last.text[1] == "«buyer», «<b>{answer.who|x}</b>», -"
