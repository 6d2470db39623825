"""Questions of a company's own: what their kind brings, and what is refused at save."""

from dataclasses import replace
from typing import Any

import pytest

from otklik_feedback.domain.designing import MOST_OPTIONS, MOST_QUESTIONS, MOST_SCORES, designed
from otklik_feedback.domain.question import MICRO, Axis, BadSurvey, Measure, Words
from otklik_feedback.domain.scale import Scale
from otklik_feedback.domain.survey import questions_of
from otklik_feedback.domain.templates import QUESTIONS, Moment, Template
from otklik_feedback.domain.theme import Theme, check_theme, contrast
from tests.unit.feedback.questions import TEXT, a_question, when


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [("scale", 0, 10), ("stars", 1, 5), ("agreement", 1, 7), ("ladder", -1, 1)],
)
def test_a_kind_brings_its_scale(kind: str, least: int, most: int) -> None:
    [made] = designed([a_question(kind=kind)])
    assert made.scale == Scale("q", least, most)
    assert made.not_applicable == ("na",)


def test_six_forces_and_attachment_bring_their_lines() -> None:
    forces, attached = designed([a_question("f", "forces"), a_question("a", "attachment")])
    assert [row.id for row in forces.rows] == [
        "clarity",
        "enjoyment",
        "control",
        "belonging",
        "fairness",
        "status",
    ]
    assert {row.axis for row in attached.rows} == {Axis.FUNCTION, Axis.EMOTION}
    own = replace(forces, rows=tuple(replace(row, text=TEXT) for row in forces.rows))
    assert designed([own])[0].rows[0].text == TEXT
    with pytest.raises(BadSurvey, match="has the lines clarity"):
        designed([replace(forces, rows=forces.rows[:5])])


@pytest.mark.parametrize(
    ("name", "scale", "measure"),
    [
        ("nps", Scale("", 0, 10), Measure.NPS),
        ("nps", Scale("", 1, 10), Measure.NPS_1_10),
        ("enps", Scale("", 0, 10), Measure.ENPS),
        ("csat", Scale("", 1, 5), Measure.CSAT),
        ("ces", Scale("", 1, 7), Measure.CES),
        ("lost_deal", Scale("", 0, 2, upward=False), Measure.LOST_DEAL),
    ],
)
def test_a_question_named_like_a_metric_is_that_metric(
    name: str, scale: Scale, measure: Measure
) -> None:
    assert designed([a_question(name, scale=scale)])[0].measure is measure
    with pytest.raises(BadSurvey, match="the metric's"):
        designed([a_question(name, scale=Scale("", 1, 6))])
    with pytest.raises(BadSurvey, match="the metric's"):
        designed([a_question(name, "text")])


def test_any_other_question_is_no_metric() -> None:
    assert designed([a_question("recommend")])[0].measure is None


@pytest.mark.parametrize("template", sorted(set(QUESTIONS) - {Template.CSI}))
def test_every_template_may_be_edited_as_it_is(template: Template) -> None:
    asked = questions_of(template)
    kept = designed(asked, asked)
    assert [each.id for each in kept] == [each.id for each in asked]
    for made, was in zip(kept, asked, strict=True):
        assert made.measure is was.measure
        assert made.also == was.also
        assert [item.axis for item in made.items] == [item.axis for item in was.items]
        assert made.not_applicable == was.not_applicable


OFF = [
    ([], "1 to 60 are allowed"),
    ([a_question(f"q{n}", "text") for n in range(MOST_QUESTIONS + 1)], "1 to 60 are allowed"),
    ([a_question(f"q{n}") for n in range(MOST_SCORES + 1)], "at most 32"),
    ([a_question("q"), a_question("q", "text")], "taken"),
    ([a_question("Q")], "not a-z"),
    ([a_question("q" * 41)], "not a-z"),
    ([a_question("nps_1_10")], "taken"),
    ([a_question("function_index")], "taken"),
    ([a_question("a"), a_question("b", "matrix", rows=["a"])], "taken"),
    ([a_question("b", "matrix", rows=["nps"])], "taken"),
    ([a_question("f", "forces"), a_question("status", "text")], "taken"),
    ([a_question("comment", "date")], "that of the free words"),
    ([a_question(kind="file")], "files cannot be sent with answers yet"),
    ([a_question(text=Words("", "x"))], "1 to 500 characters"),
    ([a_question(text=Words("x", "x" * 501))], "1 to 500 characters"),
    ([a_question(kind="text", scale=Scale("", 0, 1))], "has no scale"),
    ([a_question(kind="choice", options=["a"], low=TEXT)], "has no scale"),
    ([a_question(scale=Scale("", 5, 1))], "runs upwards"),
    ([a_question(scale=Scale("", 0, 10, 3))], "runs upwards"),
    ([a_question(scale=Scale("", -101, 10))], "runs upwards"),
    ([a_question(kind="stars", scale=Scale("", 0, 5))], "1 to 3, up to 1 to 10"),
    ([a_question(kind="stars", scale=Scale("", 1, 11))], "1 to 3, up to 1 to 10"),
    ([a_question(kind="agreement", scale=Scale("", 1, 6))], "1 to 5 or 1 to 7"),
    ([a_question(kind="ladder", scale=Scale("", -2, 2))], "is -1 to 1"),
    ([a_question(kind="forces", scale=Scale("", 1, 5))], "is 1 to 7"),
    ([a_question(kind="choice")], "1 to 100 options"),
    ([a_question(kind="choice", options=["a", "a"])], "1 to 100 options"),
    (
        [a_question(kind="choice", options=[f"o{n}" for n in range(MOST_OPTIONS + 1)])],
        "1 to 100 options",
    ),
    ([a_question(kind="choice", options=["na"])], "option id 'na'"),
    ([a_question(kind="choice", options=["A b"])], "option id 'A b'"),
    ([a_question(options=["a"])], "options go with"),
    ([a_question(kind="choice", options=["a"], most_chosen=1)], "most_chosen"),
    ([a_question(kind="multiple", options=["a"], most_chosen=2)], "most_chosen"),
    ([a_question(kind="matrix")], "1 to 24 lines"),
    ([a_question(rows=["a"])], "1 to 24 lines"),
    ([a_question(kind="matrix", rows=[f"r{n}" for n in range(25)])], "1 to 24 lines"),
    ([a_question(importance_micro=0)], "importance"),
    ([a_question(importance_micro=1_001 * MICRO)], "importance"),
    ([a_question(kind="text", importance_micro=1)], "importance goes with a scale"),
    ([a_question(text=Words("{answer.q|x}", "x"))], "answer.q is not known"),
]


@pytest.mark.parametrize(("questions", "complaint"), OFF)
def test_what_makes_no_survey_is_refused_with_a_word(questions: Any, complaint: str) -> None:
    with pytest.raises(BadSurvey) as refused:
        designed(questions)
    assert complaint in refused.value.detail
    assert refused.value.detail_ru


BEFORE = [
    a_question("score"),
    a_question("who", "choice", options=["buyer"]),
    a_question("why", "multiple", options=["price"]),
    a_question("lines", "matrix", rows=["speed"]),
    a_question("words", "text"),
]


@pytest.mark.parametrize(
    ("condition", "complaint"),
    [
        (when("q", "answered"), "looks at 'q'"),
        (when("later", "answered"), "looks at 'later'"),
        (when("lines", "answered"), "looks at 'lines'"),
        ({"all": [when("score", "answered"), {"not": when("q", "answered")}]}, "looks at 'q'"),
        (when("score", "contains", 1), "op contains does not fit"),
        (when("score", "eq", [1]), "op eq does not fit"),
        (when("score", "eq", 11), "what it cannot be"),
        (when("score", "in", [1, 11]), "what it cannot be"),
        (when("score", "eq", "1"), "what it cannot be"),
        (when("speed", "eq", 0), "what it cannot be"),
        (when("who", "eq", "seller"), "what it cannot be"),
        (when("who", "gt", "buyer"), "op gt does not fit"),
        (when("why", "contains", "speed"), "what it cannot be"),
        (when("why", "in", ["price"]), "op in does not fit"),
        (when("words", "eq", "x"), "op eq does not fit"),
    ],
)
def test_conditions_look_back_at_what_can_be_said(condition: Any, complaint: str) -> None:
    questions = [*BEFORE, a_question("q", "text", visible_if=condition), a_question("later")]
    with pytest.raises(BadSurvey) as refused:
        designed(questions)
    assert complaint in refused.value.detail


@pytest.mark.parametrize(
    "condition",
    [
        when("score", "lt", 7),
        when("speed", "ge", 4),
        when("who", "in", ["buyer"]),
        when("why", "eq", ["price"]),
        when("words", "answered"),
    ],
)
def test_conditions_that_fit_are_kept(condition: Any) -> None:
    *_, made = designed([*BEFORE, a_question("q", "text", visible_if=condition)])
    assert made.visible_if is not None


def test_two_questions_that_wait_for_each_other_are_refused() -> None:
    one = a_question("one", "text", visible_if=when("two", "answered"))
    two = a_question("two", "text", visible_if=when("one", "answered"))
    for order in ((one, two), (two, one)):
        with pytest.raises(BadSurvey, match="looks at"):
            designed(order)


@pytest.mark.parametrize(
    ("now", "complaint"),
    [
        (a_question("score", scale=Scale("", 1, 5)), "'score' had the scale 0 to 10"),
        (a_question("score", "stars"), "'score' had the scale 0 to 10"),
        (a_question("speed"), "'speed' had the scale 1 to 5"),
        (a_question("words", "date"), "'words' had the kind text"),
        (a_question("who", "text"), "'who' had the kind choice"),
    ],
)
def test_one_id_is_one_question_through_all_versions(now: Any, complaint: str) -> None:
    with pytest.raises(BadSurvey) as refused:
        designed([now], designed(BEFORE))
    assert complaint in refused.value.detail


def test_a_choice_may_become_several_and_options_come_and_go() -> None:
    now = a_question("who", "multiple", options=["seller", "tenant"])
    assert designed([now], designed(BEFORE))[0].options == now.options


def test_a_csi_survey_after_a_deal_is_ready_made() -> None:
    ready = questions_of(Template.CSI, after=Moment.DEAL)
    assert sum(each.importance_micro is not None for each in ready) == 6
    with pytest.raises(BadSurvey, match="does not say what it is asked after"):
        questions_of(Template.CSI, after=Moment.CONTACT)


@pytest.mark.parametrize("moment", list(Moment))
def test_a_transactional_nps_names_what_it_is_asked_after(moment: Moment) -> None:
    texts = {
        questions_of(Template.TNPS, after=each, nps_from_one=old)[0].text
        for each in Moment
        for old in (False, True)
    }
    assert len(texts) == len(Moment)
    assert questions_of(Template.TNPS, after=moment)[0].measure is Measure.NPS


def test_colours_that_cannot_be_read_are_refused() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    check_theme(Theme("#767676"))
    with pytest.raises(BadSurvey, match="contrast"):
        check_theme(Theme("#777777"))
    with pytest.raises(BadSurvey, match="#rrggbb"):
        check_theme(Theme("red"))
