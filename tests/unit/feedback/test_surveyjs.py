"""Surveys written for SurveyJS: the same answers show the same questions, and losses are named."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_feedback.domain.condition import Given, holds
from otklik_feedback.domain.question import BadSurvey, Kind, Measure, Words
from otklik_feedback.domain.showing import showing
from otklik_feedback.domain.survey import Survey
from otklik_feedback.domain.surveyjs.expression import (
    MOST_EXPRESSION,
    MOST_PARENTHESES,
    Unsupported,
    parse,
)
from otklik_feedback.domain.surveyjs.reading import Imported, read_surveyjs
from otklik_feedback.domain.values import read_value
from tests.unit.feedback.questions import of_questions

CORPUS = json.loads(
    (Path(__file__).parents[2] / "support" / "surveyjs" / "corpus.json").read_text("utf-8")
)


def taken(*elements: Any, **more: Any) -> Imported:
    """What is read of a survey with these elements."""
    return read_surveyjs({"elements": list(elements), **more})


def ours(data: dict[str, Any]) -> dict[str, Any]:
    """Answers of the corpus as they are sent to us."""
    values = dict(data)
    if "who" in values:
        values["who"] = str(values["who"]).lower()
    if "again" in values:
        values["again"] = str(values["again"]).lower()
    return values


def known(survey: Survey, data: dict[str, Any]) -> dict[str, Given]:
    """What conditions see of answers of the corpus."""
    found: dict[str, Given] = {}
    for name, value in ours(data).items():
        question = survey.by_name[name]
        found |= read_value(question, value).given(question)
    return found


def test_the_corpus_is_large_and_says_both() -> None:
    bits = "".join(CORPUS["shown"].values())
    assert len(CORPUS["shown"]) >= 900
    assert 0.2 < bits.count("1") / len(bits) < 0.8


def test_what_is_shown_there_is_shown_here() -> None:
    wrong = []
    survey = of_questions(*taken(*CORPUS["survey"]["elements"]).questions)
    given_ = [known(survey, data) for data in CORPUS["answers"]]
    for expression, bits in CORPUS["shown"].items():
        last = {"type": "comment", "name": "last", "visibleIf": expression}
        read = taken(*CORPUS["survey"]["elements"], last)
        assert not read.left_out, (expression, read.left_out)
        condition = read.questions[-1].visible_if
        assert condition is not None
        wrong += [
            (expression, data, bit)
            for data, answers, bit in zip(CORPUS["answers"], given_, bits, strict=True)
            if holds(condition, answers) != (bit == "1")
        ]
    assert not wrong


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "{score}",
        "{score} >",
        "{score} > 3 and",
        "{score} > 3 {who} = 'seller'",
        "not ({score} > 3)",
        "!{score} > 3",
        "!{again}",
        "{score} between 3",
        "{score} = 5.5",
        "{score} = 1e1",
        "{score} = 0x5",
        "{score} = 005",
        "{score} + 1 > 3",
        "{score} > {other}",
        "age({score}) > 3",
        "iif({score} > 3, 1, 2) = 1",
        "{who} = seller",
        "{who} = 'it\\'s'",
        "{who} = null",
        "[1] anyof {score}",
        "'price' contains {why}",
        "((({score} > 3))",
        "(" * (MOST_PARENTHESES + 1) + "{score} > 3" + ")" * (MOST_PARENTHESES + 1),
        "(" * 1_900 + "{score}",
        "{score} > 3 or " * 200 + "{score} > 3",
        "{score} = [1, ]",
        "{score} = [1 2]",
        "alert(1)",
    ],
)
def test_what_is_not_read_is_refused_and_not_guessed(expression: str) -> None:
    with pytest.raises(Unsupported) as no:
        parse(expression)
    assert no.value.en
    assert no.value.ru


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("{other} = 1", "{other} is no question"),
        ("{last} notempty", "{last} is no question"),
        ("{score.x} = 1", "is not read"),
        ("{lines} = 1", "is not read"),
        ("{lines.other} = 1", "is not read"),
        ("{score} = 11", "is never 11"),
        ("{score} = true", "is not read"),
        ("{score} = 'many'", "is not read"),
        ("{score} = '--3'", "is not read"),
        ("{score} contains 1", "is not read"),
        ("{score} anyof []", "is not read"),
        ("{who} = 'nobody'", "has no choice 'nobody'"),
        ("{who} > 'buyer'", "is not read"),
        ("{who} contains 'buy'", "is not read"),
        ("{why} = 'price'", "is not read"),
        ("{why} anyof 'price'", "is not read"),
        ("{why} = ['price', 'SPEED']", "as the choices are"),
        ("{why} = ['price', 'price']", "is not read"),
        ("{words} = 'да'", "is not read"),
        ("{day} > '2026-01-01'", "is not read"),
        ("!(" * 8 + "{score} > 3" + ")" * 8, "nested deeper"),
    ],
)
def test_a_question_whose_condition_is_not_read_is_left_out(expression: str, said: str) -> None:
    last = {"type": "comment", "name": "last", "visibleIf": expression}
    read = taken(*CORPUS["survey"]["elements"], last)
    assert len(read.questions) == len(CORPUS["survey"]["elements"])
    [lost] = read.left_out
    assert lost.field == "elements.7"
    assert said in lost.detail
    assert lost.detail_ru


def test_whatever_looks_at_what_was_left_out_is_left_out_too() -> None:
    read = taken(
        {"type": "signaturepad", "name": "sign"},
        {"type": "comment", "name": "a", "visibleIf": "{sign} notempty"},
        {"type": "comment", "name": "b", "visibleIf": "{a} notempty"},
        {"type": "comment", "name": "c"},
    )
    assert [each.id for each in read.questions] == ["c"]
    assert [each.field for each in read.left_out] == ["elements.0", "elements.1", "elements.2"]


@pytest.mark.parametrize(
    ("element", "kind"),
    [
        ({"type": "rating"}, Kind.SCALE),
        ({"type": "rating", "rateType": "stars"}, Kind.STARS),
        ({"type": "radiogroup", "choices": ["a"]}, Kind.CHOICE),
        ({"type": "dropdown", "choices": ["a"]}, Kind.CHOICE),
        ({"type": "checkbox", "choices": ["a"]}, Kind.MULTIPLE),
        ({"type": "tagbox", "choices": ["a"]}, Kind.MULTIPLE),
        ({"type": "boolean"}, Kind.CHOICE),
        ({"type": "matrix", "columns": [1, 2, 3], "rows": ["x"]}, Kind.MATRIX),
        ({"type": "text"}, Kind.TEXT),
        ({"type": "text", "inputType": "date"}, Kind.DATE),
        ({"type": "comment"}, Kind.TEXT),
    ],
)
def test_elements_become_questions_of_their_kind(element: dict[str, Any], kind: Kind) -> None:
    read = taken({"name": "q1", "title": "How?", "isRequired": True} | element)
    [made] = read.questions
    assert (made.kind, made.id, made.text, made.required) == (
        kind,
        "q1",
        Words("How?", "How?"),
        True,
    )
    assert not read.left_out


@pytest.mark.parametrize(
    ("element", "said"),
    [
        ({"type": "file"}, "type 'file'"),
        ({"type": "html", "html": "<b>"}, "type 'html'"),
        ({"type": "paneldynamic"}, "type 'paneldynamic'"),
        ({"type": "ranking", "choices": ["a"]}, "type 'ranking'"),
        ({"type": None}, "type 'None'"),
        ({"type": ["text"]}, "are not taken over"),
        ({"type": "text", "inputType": "email"}, "inputType 'email'"),
        ({"type": "text", "visible": False}, "never shown"),
        ({"type": "text", "name": ""}, "no name"),
        ({"type": "text", "title": "x" * 501}, "longer than 500"),
        ({"type": "text", "title": "{nobody}, how?"}, "'{nobody}' in its text"),
        ({"type": "text", "visibleIf": 5}, "visibleIf is no text"),
        ({"type": "rating", "rateValues": [1, 2]}, "rateValues"),
        ({"type": "rating", "rateMin": 1.5}, "rateMin is no whole number"),
        ({"type": "rating", "rateMin": 5, "rateMax": 1}, "runs upwards"),
        ({"type": "radiogroup"}, "1 to 100 options"),
        ({"type": "radiogroup", "choices": ["a", "A"]}, "same value"),
        ({"type": "radiogroup", "choices": [1.5]}, "no whole number"),
        ({"type": "radiogroup", "choices": [{"value": 1, "visibleIf": "{a} = 1"}]}, "visibleIf"),
        ({"type": "matrix", "columns": ["bad", "good"], "rows": ["x"]}, "whole numbers"),
        ({"type": "matrix", "columns": [1, 2, 4], "rows": ["x"]}, "whole numbers"),
        ({"type": "matrix", "columns": [1, 2]}, "1 to 24 lines"),
    ],
)
def test_what_cannot_be_asked_is_left_out_with_a_word(element: dict[str, Any], said: str) -> None:
    read = taken({"name": "q1"} | element, {"type": "text", "name": "kept"})
    assert [each.id for each in read.questions] == ["kept"]
    [lost] = read.left_out
    assert said in lost.detail
    assert lost.detail_ru


def test_settings_without_effect_are_named() -> None:
    read = taken(
        {"type": "text", "name": "a", "requiredIf": "{b} = 1", "validators": [], "width": "50%"},
        {"type": "checkbox", "name": "b", "choices": ["x"], "showOtherItem": True},
        showProgressBar=True,
        triggers=[],
    )
    assert [each.field for each in read.not_taken] == [
        "showProgressBar",
        "triggers",
        "elements.0.requiredIf",
        "elements.0.validators",
        "elements.0.width",
        "elements.1.showOtherItem",
        "locale",
    ]


def test_a_question_is_shown_where_its_page_and_panels_are() -> None:
    read = read_surveyjs(
        {
            "pages": [
                {"elements": [{"type": "rating", "name": "a"}, {"type": "rating", "name": "b"}]},
                {
                    "visibleIf": "{a} > 3",
                    "elements": [
                        {
                            "type": "panel",
                            "visibleIf": "{b} > 3",
                            "elements": [{"type": "text", "name": "c", "visibleIf": "{a} = 5"}],
                        },
                        {"type": "text", "name": "d"},
                    ],
                },
                {"visibleIf": "{a} + 1 > 3", "elements": [{"type": "text", "name": "e"}]},
            ]
        }
    )
    survey = of_questions(*read.questions)
    for a, b, shown in [(5, 5, "cd"), (5, 3, "d"), (4, 5, "d"), (3, 5, "")]:
        found = [each.id for each in showing(survey, {"a": a, "b": b}, {})]
        assert found == ["a", "b", *shown]
    [lost] = read.left_out
    assert lost.field == "pages.2"


def test_names_become_ids_and_are_told() -> None:
    read = taken(
        {"type": "radiogroup", "name": "Кто вы?", "choices": ["покупатель", "Seller one", "na"]},
        {"type": "matrix", "name": "Rate us", "columns": [1, 2], "rows": ["Rate us", "x"]},
        {"type": "text", "name": "rate-us"},
    )
    assert [each.id for each in read.questions] == ["q", "rate_us", "rate_us_3"]
    assert [each.id for each in read.questions[1].rows] == ["rate_us_2", "x"]
    assert read.names == {
        "Кто вы?": "q",
        "Кто вы?=покупатель": "option_1",
        "Кто вы?=seller one": "seller_one",
        "Кто вы?=na": "option_3",
        "Rate us": "rate_us",
        "Rate us.rate us": "rate_us_2",
        "rate-us": "rate_us_3",
    }


def test_a_rating_called_nps_is_one_only_on_its_scale() -> None:
    real = taken({"type": "rating", "name": "nps", "rateMin": 0, "rateMax": 10})
    assert real.questions[0].measure is Measure.NPS
    other = taken({"type": "rating", "name": "nps"})
    assert (other.questions[0].id, other.questions[0].measure) == ("q_nps", None)


def test_both_languages_are_read_and_what_lacks_one_is_counted() -> None:
    read = taken(
        {"type": "rating", "name": "a", "title": {"default": "Как?", "en": "How?"}},
        {"type": "text", "name": "b", "title": "Почему {a}?"},
        title={"ru": "Опрос", "en": "Survey"},
        locale="ru",
    )
    assert read.title == Words("Опрос", "Survey")
    assert read.questions[0].text == Words("Как?", "How?")
    assert read.questions[1].text == Words(*["Почему {answer.a|…}?"] * 2)
    [note] = read.not_taken
    assert note.detail.startswith("1 texts have no English")


def test_two_names_that_differ_by_capitals_are_not_guessed_at() -> None:
    read = taken({"type": "text", "name": "a"}, {"type": "text", "name": "A"})
    assert [each.id for each in read.questions] == ["a"]
    assert "but for capitals" in read.left_out[0].detail


def test_a_survey_of_which_nothing_is_left_is_refused() -> None:
    with pytest.raises(BadSurvey, match=r"elements\.0 elements of type 'file'"):
        taken({"type": "file", "name": "a"})
    with pytest.raises(BadSurvey, match="no question"):
        read_surveyjs({"pages": "many", "elements": None})
    with pytest.raises(BadSurvey, match="more than 500"):
        taken(*[{"type": "html", "name": "x"}] * 501)


def test_panels_are_not_nested_without_end() -> None:
    inner: dict[str, Any] = {"type": "text", "name": "deep"}
    for _ in range(30):
        inner = {"type": "panel", "elements": [inner]}
    read = taken(inner, {"type": "text", "name": "kept"})
    assert "nested deeper" in read.left_out[0].detail


def test_no_more_questions_than_a_survey_holds() -> None:
    read = taken(*({"type": "text", "name": f"a{number}"} for number in range(63)))
    assert (len(read.questions), len(read.left_out)) == (60, 3)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "name",
                    "title",
                    "choices",
                    "rows",
                    "columns",
                    "elements",
                    "pages",
                    "visibleIf",
                    "rateMin",
                    "value",
                    "text",
                    "locale",
                ]
            ),
            inner | st.sampled_from(["rating", "radiogroup", "matrix", "panel", "text", "{a} = 1"]),
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["elements", "pages", "title", "locale"]), JSON))
def test_any_json_is_read_or_refused(said: dict[str, Any]) -> None:
    try:
        read = read_surveyjs(said)
    except BadSurvey:
        return
    of_questions(*read.questions)


@given(st.text(alphabet="{}a()[]'\"!=<>&| 1-.,andorcontains", max_size=40))
def test_any_expression_is_read_or_refused(text: str) -> None:
    try:
        parse(text)
    except Unsupported as no:
        said = no
    else:
        return
    assert said.ru
    assert len(text) <= MOST_EXPRESSION
