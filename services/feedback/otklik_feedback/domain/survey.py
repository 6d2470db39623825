"""Surveys: questions with their scales, made from a template and what the company adds."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from otklik_feedback.domain.question import MICRO, Axis, BadSurvey, Item, Measure, Question, Words
from otklik_feedback.domain.scale import Scale
from otklik_feedback.domain.templates import (
    AFTER,
    AFTER_THE_DEAL,
    COMMENT,
    DEAL_TARGET_MICRO,
    NPS_1_10,
    OVERALL,
    QUESTIONS,
    Moment,
    Template,
)
from otklik_feedback.domain.theme import Theme

MOST_ATTRIBUTES: Final = 24
MOST_IMPORTANCE: Final = 1_000
CASE_DUE: Final = timedelta(hours=48)
"""How long after its opening a case may last, unless the survey says otherwise."""

ATTRIBUTE_ID: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class Attribute:
    """What a company wants weighed in a CSI survey; `importance` > 0, times 1 000 000."""

    id: str
    title: Words
    importance_micro: int
    least: int = 1
    most: int = 5


@dataclass(frozen=True, slots=True)
class Survey:
    """
    One version of a questionnaire.

    Attributes:
        reference: Its own name for itself, under which answers may name it as well as by `id`.
        version: From 1 upwards; every edit makes a new one, and answers remember theirs.
        anonymous: Answers keep nobody: no customer, no contact, no agent, no case.
        active: Whether new answers are taken.
        case_due: How long after its opening a case may last.
        own: Whether the company wrote its questions itself.
        after: What it is asked after; None where its template is not told.
        target_micro: What the mean of its scores shall reach, times 1 000 000; None for no target.
        theme: How it looks; None for the plain look.
        by_name: Its questions by every name that answers may use.
        items: What has a score: questions on a scale, and the lines of matrices.
        axes: What each of its axes is made of.
        is_plain: Whether every question is shown and none must be answered.
    """

    id: UUID
    reference: str
    template: Template
    title: Words
    questions: tuple[Question, ...]
    created_at: datetime
    version: int = 1
    anonymous: bool = False
    active: bool = True
    case_due: timedelta = CASE_DUE
    own: bool = False
    after: Moment | None = None
    target_micro: int | None = None
    theme: Theme | None = None
    # Made once: thousands of answers in one batch look at them.
    by_name: Mapping[str, Question] = field(init=False, compare=False, repr=False)
    items: tuple[Item, ...] = field(init=False, compare=False, repr=False)
    axes: Mapping[Axis, tuple[Item, ...]] = field(init=False, compare=False, repr=False)
    is_plain: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        by_name = {name: each for each in self.questions for name in (each.id, *each.also)}
        items = tuple(item for question in self.questions for item in question.items)
        axes = {axis: tuple(i for i in items if i.axis is axis) for axis in Axis}
        plain = not any(each.visible_if or each.required for each in self.questions)
        object.__setattr__(self, "by_name", by_name)
        object.__setattr__(self, "items", items)
        object.__setattr__(self, "axes", {axis: of for axis, of in axes.items() if of})
        object.__setattr__(self, "is_plain", plain)

    @property
    def scales(self) -> tuple[str, ...]:
        """Names of what is answered by a score."""
        return tuple(each.id for each in self.items)

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """What is weighed, as in a CSI survey; empty for others."""
        return tuple(
            Attribute(each.id, each.text, each.importance_micro, each.scale.least, each.scale.most)
            for each in self.items
            if each.importance_micro is not None
        )

    def is_drawn_like(self, other: "Survey") -> bool:
        """
        Whether both come of the same draft, whatever their versions.

        The words of templates get better from build to build, and their questions more: a survey
        that was made from one before is still the same.
        """
        return _drawn(self) == _drawn(other)


def _drawn(survey: Survey) -> tuple[object, ...]:
    asked = (
        survey.questions
        if survey.own
        else (survey.attributes, Measure.NPS_1_10 in _measures(survey))
    )
    return (
        survey.id,
        survey.reference,
        survey.template,
        survey.title,
        survey.anonymous,
        survey.active,
        survey.case_due,
        survey.own,
        survey.after,
        survey.target_micro,
        survey.theme,
        asked,
    )


def _measures(survey: Survey) -> set[Measure | None]:
    return {each.measure for each in survey.items}


def questions_of(
    template: Template,
    *,
    attributes: Sequence[Attribute] = (),
    nps_from_one: bool = False,
    after: Moment | None = None,
) -> tuple[Question, ...]:
    """
    The questions of a new version of a survey.

    Args:
        attributes: Of a CSI survey, in the order in which they are asked; after a deal there are
            ready ones.
        nps_from_one: Scores run from 1 to 10, as in some old data; never pooled with 0 to 10.
        after: What a tNPS or CSI survey is asked after.
    Raises:
        BadSurvey: A CSI survey without attributes, others with some, or attributes that clash.
    """
    if template is Template.OWN:
        raise BadSurvey(
            "template own takes questions of your own; write them in `questions`",
            detail_ru="шаблону own нужны ваши вопросы: перечислите их в `questions`",
        )
    fixed = QUESTIONS[template]
    if after is not None:
        fixed = _after(template, after)
    if nps_from_one:
        if template not in {Template.NPS, Template.TNPS}:
            raise BadSurvey(
                f"template {template} has no scale 1 to 10",
                detail_ru=f"у шаблона {template} нет шкалы 1–10",
            )
        fixed = (replace(NPS_1_10, text=fixed[0].text), *fixed[1:])
    if (template, after) == (Template.CSI, Moment.DEAL) and not attributes:
        return (*AFTER_THE_DEAL, *fixed)
    if (template is Template.CSI) != bool(attributes):
        raise BadSurvey(
            f"template {template} takes {'at least one attribute' if not attributes else 'none'}",
            detail_ru="атрибуты нужны шаблону csi, и только ему",
        )
    _check(attributes)
    return (*(_question(each) for each in attributes), *fixed)


def target_of(template: Template, after: Moment | None) -> int | None:
    """The mean that a survey shall reach unless the company says otherwise, times 1 000 000."""
    return DEAL_TARGET_MICRO if (template, after) == (Template.CSI, Moment.DEAL) else None


def _after(template: Template, after: Moment) -> tuple[Question, ...]:
    if (template, after) not in AFTER:
        raise BadSurvey(
            f"template {template} does not say what it is asked after; tnps does (contact, deal,"
            " delivery), and csi (deal)",
            detail_ru=f"шаблону {template} не указывают, после чего он; можно tnps (contact, deal,"
            " delivery) и csi (deal)",
        )
    return AFTER[template, after]


def _question(attribute: Attribute) -> Question:
    scale = Scale(attribute.id, attribute.least, attribute.most)
    return Question(
        attribute.id, attribute.title, scale, importance_micro=attribute.importance_micro
    )


def _check(attributes: Sequence[Attribute]) -> None:
    if len(attributes) > MOST_ATTRIBUTES:
        raise BadSurvey(
            f"{len(attributes)} attributes; at most {MOST_ATTRIBUTES} are allowed",
            detail_ru=f"атрибутов {len(attributes)}; допустимо не больше {MOST_ATTRIBUTES}",
        )
    names = [each.id for each in attributes]
    taken = {COMMENT, OVERALL, *Measure}
    for each in attributes:
        if not ATTRIBUTE_ID.fullmatch(each.id) or each.id in taken or names.count(each.id) > 1:
            raise BadSurvey(
                f"attribute id {each.id!r} is taken or is not a-z, 0-9 and _",
                detail_ru=f"имя атрибута {each.id!r} занято или не из a–z, 0–9 и _",
            )
        if not 0 < each.importance_micro <= MOST_IMPORTANCE * MICRO:
            raise BadSurvey(
                f"importance of {each.id} is not above 0 and at most {MOST_IMPORTANCE}",
                detail_ru=f"важность {each.id} должна быть больше 0 и не больше {MOST_IMPORTANCE}",
            )
        if not -100 <= each.least < each.most <= 100:
            raise BadSurvey(
                f"scale of {each.id} does not run upwards within -100 to 100",
                detail_ru=f"шкала {each.id} должна расти в пределах от −100 до 100",
            )
