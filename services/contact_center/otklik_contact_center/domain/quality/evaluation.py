"""
An evaluation of a contact, and who may do what with it.

draft → released → acknowledged, or disputed → resolved; withdrawn from wherever it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from otklik_common.errors import Conflict, FieldError, Forbidden
from otklik_common.events.contact_center import Evaluation as EvaluationFact
from otklik_common.events.contact_center import EvaluationState as Told
from otklik_common.events.contact_center import said_of
from otklik_contact_center.domain.quality.form import Form
from otklik_contact_center.domain.quality.score import (
    Answers,
    Score,
    check_answers,
    missing,
    score,
)


class State(StrEnum):
    """How far an evaluation is."""

    DRAFT = "draft"
    RELEASED = "released"
    ACKNOWLEDGED = "acknowledged"
    DISPUTED = "disputed"
    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    """What can be done with it."""

    EDIT = "edit"
    RELEASE = "release"
    ACKNOWLEDGE = "acknowledge"
    DISPUTE = "dispute"
    RESOLVE = "resolve"
    WITHDRAW = "withdraw"


class Verdict(StrEnum):
    """What became of a dispute."""

    UPHELD = "upheld"
    CHANGED = "changed"


STEPS: Final[Mapping[State, Mapping[Step, State]]] = {
    State.DRAFT: {
        Step.EDIT: State.DRAFT,
        Step.RELEASE: State.RELEASED,
        Step.WITHDRAW: State.WITHDRAWN,
    },
    State.RELEASED: {
        Step.ACKNOWLEDGE: State.ACKNOWLEDGED,
        Step.DISPUTE: State.DISPUTED,
        Step.WITHDRAW: State.WITHDRAWN,
    },
    State.ACKNOWLEDGED: {Step.WITHDRAW: State.WITHDRAWN},
    State.DISPUTED: {Step.RESOLVE: State.RESOLVED, Step.WITHDRAW: State.WITHDRAWN},
    State.RESOLVED: {Step.WITHDRAW: State.WITHDRAWN},
    State.WITHDRAWN: {},
}
"""State and step → the state that follows; any other step is refused."""

_STATES_RU: Final = {
    State.DRAFT: "черновик",
    State.RELEASED: "выпущена",
    State.ACKNOWLEDGED: "принята сотрудником",
    State.DISPUTED: "оспорена",
    State.RESOLVED: "спор решён",
    State.WITHDRAWN: "отозвана",
}
_STEPS_RU: Final = {
    Step.EDIT: "изменить",
    Step.RELEASE: "выпустить",
    Step.ACKNOWLEDGE: "принять",
    Step.DISPUTE: "оспорить",
    Step.RESOLVE: "решить спор",
    Step.WITHDRAW: "отозвать",
}


class IllegalStep(Conflict):
    """What is asked for cannot be done with an evaluation in its state."""

    code = "illegal_step"


class Incomplete(Conflict):
    """Questions are open: what is not answered would change the score unseen."""

    code = "incomplete"


class NothingScored(Conflict):
    """Nothing of the form applied, so there is no score."""

    code = "nothing_scored"


class OwnEvaluation(Forbidden):
    """Nobody judges their own work."""

    code = "own_evaluation"


class NotTheEvaluated(Forbidden):
    """Only the agent whose contact it was says whether they agree."""

    code = "not_the_evaluated"


class NotTheEvaluator(Forbidden):
    """A draft belongs to whoever made it."""

    code = "not_the_evaluator"


@dataclass(frozen=True, slots=True)
class Actor:
    """
    Who does something.

    Attributes:
        principal: `member:<id>` or `key:<id>`.
        agent: Code of the member as an agent; None for keys, which speak for the company.
        member: Whether it is a member of staff.
        manages: They may resolve disputes, and change or withdraw what others made.
    """

    principal: str
    agent: str | None
    member: bool
    manages: bool


@dataclass(frozen=True, slots=True)
class About:
    """Whose contact was evaluated, as known at the release (of a draft, when it was made)."""

    source: UUID
    channel: str
    agent: str
    branch: str | None = None
    team: str | None = None
    queue: str | None = None
    party: str | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """
    An evaluation as it is.

    Attributes:
        comment: On the whole; free text, as are `comments` by question.
        score_micro: × 10⁶; None while nothing is answered that weighs.
        evaluator: Principal of whoever made it.
        evaluated_at: When answers were last written.
        told: How many facts were published of it, the last at `told_at`.
    """

    id: UUID
    contact: UUID
    form: str
    form_version: int
    about: About
    evaluator: str
    made_at: datetime
    evaluated_at: datetime
    state: State = State.DRAFT
    answers: Answers = field(default_factory=dict)
    comment: str | None = None
    comments: Mapping[str, str] = field(default_factory=dict)
    score_micro: int | None = None
    failed: bool = False
    verdict: Verdict | None = None
    revision: int = 1
    released_at: datetime | None = None
    acknowledged_at: datetime | None = None
    disputed_at: datetime | None = None
    resolved_at: datetime | None = None
    told: int = 0
    told_at: datetime | None = None


def follows(state: State, step: Step) -> State:
    """The state after a step. Raises IllegalStep."""
    found = STEPS[state].get(step)
    if found is not None:
        return found
    able = ", ".join(STEPS[state]) or "nothing"
    able_ru = ", ".join(_STEPS_RU[one] for one in STEPS[state]) or "ничего"
    raise IllegalStep(
        f"an evaluation that is {state} cannot take the step {step}; possible: {able}",
        detail_ru=f"{_STEPS_RU[step]} нельзя: оценка в состоянии «{_STATES_RU[state]}»;"
        f" возможно: {able_ru}",
        state=str(state),
    )


def check_may(one: Evaluation, step: Step, actor: Actor) -> None:
    """
    Return if somebody may take a step that is possible.

    Raises:
        OwnEvaluation, NotTheEvaluated, NotTheEvaluator: It is for others to take.
    """
    mine = actor.agent is not None and actor.agent == one.about.agent
    if step in {Step.ACKNOWLEDGE, Step.DISPUTE}:
        if actor.member and not mine:
            raise NotTheEvaluated(
                "only the agent whose contact it was may say so",
                detail_ru="это может сделать только сотрудник, чьё обращение оценено",
            )
        return
    check_not_own(one.about.agent, actor)
    if step in {Step.EDIT, Step.RELEASE, Step.WITHDRAW} and not (
        actor.manages or (actor.principal == one.evaluator and one.state is State.DRAFT)
    ):
        raise NotTheEvaluator(
            "a draft is its maker's, and what was released takes the scope quality:write",
            detail_ru="черновик меняет его автор, а выпущенную оценку – право quality:write",
        )


def check_not_own(agent: str, actor: Actor) -> None:
    """Return unless somebody would judge their own work. Raises OwnEvaluation."""
    if actor.agent is not None and actor.agent == agent:
        raise OwnEvaluation(
            "nobody evaluates contacts of their own",
            detail_ru="свои обращения никто не оценивает",
        )


@dataclass(frozen=True, slots=True)
class Given:
    """What an evaluator writes: answers and comments by question, and a comment on the whole."""

    answers: Answers
    comment: str | None = None
    comments: Mapping[str, str] = field(default_factory=dict)


def answered(one: Evaluation, form: Form, given: Given, now: datetime) -> Evaluation:
    """With these answers and comments instead of its own. Raises BadAnswers."""
    check_answers(form, given.answers, given.comments)
    found = score(form, given.answers)
    return replace(
        one,
        answers=given.answers,
        comment=given.comment,
        comments=given.comments,
        score_micro=found.micro,
        failed=found.failed,
        evaluated_at=now,
    )


def check_complete(form: Form, answers: Answers) -> Score:
    """The score of answers that may be released. Raises Incomplete, NothingScored."""
    left = missing(form, answers)
    if left:
        raise Incomplete(
            f"{len(left)} questions are not answered, the first: {left[0]}",
            detail_ru=f"без ответа вопросов: {len(left)}, первый: {left[0]}",
            errors=[
                FieldError(f"answers.{code}", "missing", "is not answered", "нет ответа")
                for code in left
            ],
        )
    found = score(form, answers)
    if found.share is None:
        raise NothingScored(
            "no question that weighs applied", detail_ru="ни один вопрос с весом не применим"
        )
    return found


def fact_of(one: Evaluation) -> EvaluationFact:
    """What others are told of an evaluation that was released; no word that anybody wrote."""
    assert one.released_at is not None, "drafts are told nobody"
    assert one.score_micro is not None, "what was released has a score"
    channel, head_line = said_of(one.about.channel)
    state = Told.RELEASED if one.state is State.WITHDRAWN else Told(one.state)
    return EvaluationFact(
        contact=one.contact,
        source=one.about.source,
        channel=channel,
        party=one.about.party,
        branch=one.about.branch,
        team=one.about.team,
        queue=one.about.queue,
        agent=one.about.agent,
        form=one.form,
        form_version=one.form_version,
        state=state,
        score_micro=one.score_micro,
        failed=one.failed,
        changed=one.verdict is Verdict.CHANGED,
        evaluated_at=one.evaluated_at,
        released_at=one.released_at,
        acknowledged_at=one.acknowledged_at,
        disputed_at=one.disputed_at,
        resolved_at=one.resolved_at,
        head_line=head_line,
    )
