"""Templates: what they ask, on which scales, in both languages."""

from dataclasses import replace

import pytest

from otklik_feedback.domain.question import BadSurvey, Kind, Measure
from otklik_feedback.domain.survey import MOST_ATTRIBUTES, questions_of
from otklik_feedback.domain.templates import QUESTIONS, Template
from tests.unit.feedback.builders import a_survey, an_attribute

FORCES = {"clarity", "enjoyment", "control", "belonging", "fairness", "status"}


def test_every_template_has_its_questions_with_scales_and_words_in_both_languages() -> None:
    assert set(QUESTIONS) == set(Template) - {Template.OWN}
    for questions in QUESTIONS.values():
        assert questions[-1].id == "comment"
        for question in questions:
            assert question.text.ru
            assert question.text.en
            assert (question.kind is Kind.TEXT) == (question.id == "comment")


@pytest.mark.parametrize(
    ("template", "question", "least", "most", "measure"),
    [
        ("nps", "nps", 0, 10, Measure.NPS),
        ("tnps", "nps", 0, 10, Measure.NPS),
        ("enps", "enps", 0, 10, Measure.ENPS),
        ("csat", "csat", 1, 5, Measure.CSAT),
        ("ces", "ces", 1, 7, Measure.CES),
        ("forces", "nps", 0, 10, Measure.NPS),
        ("forces", "status", 1, 7, None),
        ("ladder", "ladder", -1, 1, None),
    ],
)
def test_scales_are_those_of_the_contract(
    template: str, question: str, least: int, most: int, measure: Measure | None
) -> None:
    found = a_survey(template).by_name[question]
    assert found.scale is not None
    assert (found.scale.least, found.scale.most, found.measure) == (least, most, measure)


def test_forces_ask_for_nps_and_satisfaction_too() -> None:
    assert set(a_survey("forces").scales) == FORCES | {"nps", "overall"}


def test_employees_may_be_asked_under_the_name_nps() -> None:
    survey = a_survey("enps")
    assert survey.by_name["nps"] is survey.by_name["enps"]


def test_a_csi_survey_asks_for_its_attributes_first() -> None:
    survey = a_survey("csi", an_attribute("speed", 3), an_attribute("result", 0.5, most=10))
    assert survey.scales == ("speed", "result", "overall")
    assert [each.importance_micro for each in survey.attributes] == [3_000_000, 500_000]
    assert [each.most for each in survey.attributes] == [5, 10]


def test_old_data_on_1_to_10_is_another_measure() -> None:
    question = a_survey("nps", nps_from_one=True).by_name["nps"]
    assert question.scale is not None
    assert (question.scale.least, question.measure) == (1, Measure.NPS_1_10)
    with pytest.raises(BadSurvey):
        questions_of(Template.CSAT, nps_from_one=True)


def test_only_csi_weighs_attributes_and_needs_one() -> None:
    with pytest.raises(BadSurvey, match="at least one"):
        questions_of(Template.CSI)
    with pytest.raises(BadSurvey, match="none"):
        questions_of(Template.NPS, attributes=[an_attribute()])


@pytest.mark.parametrize("name", ["nps", "overall", "comment", "Speed", "", "7th", "a-b"])
def test_an_attribute_needs_a_name_of_its_own(name: str) -> None:
    with pytest.raises(BadSurvey, match="attribute id"):
        questions_of(Template.CSI, attributes=[an_attribute(name)])


def test_attributes_are_few_and_different() -> None:
    many = [an_attribute(f"a{number}") for number in range(MOST_ATTRIBUTES)]
    assert len(questions_of(Template.CSI, attributes=many)) == MOST_ATTRIBUTES + 2
    with pytest.raises(BadSurvey, match="at most"):
        questions_of(Template.CSI, attributes=[*many, an_attribute()])
    with pytest.raises(BadSurvey, match="taken"):
        questions_of(Template.CSI, attributes=[many[0], many[0]])


@pytest.mark.parametrize("micro", [0, -1, 1_000_000_001])
def test_importance_is_above_nothing_and_bounded(micro: int) -> None:
    bad = replace(an_attribute(), importance_micro=micro)
    with pytest.raises(BadSurvey, match="importance"):
        questions_of(Template.CSI, attributes=[bad])


@pytest.mark.parametrize(("least", "most"), [(5, 1), (3, 3), (-101, 5), (1, 101)])
def test_scales_of_attributes_run_upwards(least: int, most: int) -> None:
    with pytest.raises(BadSurvey, match="scale"):
        questions_of(Template.CSI, attributes=[an_attribute(least=least, most=most)])
