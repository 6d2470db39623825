"""What can be done with an evaluation in each state, and by whom."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from otklik_common.errors import Refused
from otklik_contact_center.domain.quality.evaluation import (
    STEPS,
    About,
    Actor,
    Evaluation,
    IllegalStep,
    State,
    Step,
    check_may,
    follows,
)

MADE = datetime(2026, 3, 2, 9, tzinfo=UTC)
MAKER = Actor("member:maker", "orlova", member=True, manages=False)
HEAD = Actor("member:head", None, member=True, manages=True)
AGENT = Actor("member:agent", "petrova", member=True, manages=False)
AGENT_WHO_MANAGES = Actor("member:agent", "petrova", member=True, manages=True)
OTHER = Actor("member:other", "sidorov", member=True, manages=False)
KEY = Actor("key:k1", None, member=False, manages=False)


def an_evaluation(state: State = State.DRAFT) -> Evaluation:
    about = About(UUID(int=2), "call", "petrova", branch="tyumen")
    return Evaluation(UUID(int=1), UUID(int=3), "sales", 1, about, MAKER.principal, MADE, MADE, state)  # fmt: skip


def test_every_step_is_possible_somewhere_and_nothing_follows_a_withdrawal() -> None:
    assert {step for steps in STEPS.values() for step in steps} == set(Step)
    assert STEPS[State.WITHDRAWN] == {}
    assert STEPS.keys() == set(State)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("step", Step)
def test_a_step_that_is_not_possible_says_what_is(state: State, step: Step) -> None:
    if step in STEPS[state]:
        assert follows(state, step) is STEPS[state][step]
        return
    with pytest.raises(IllegalStep) as refused:
        follows(state, step)
    assert refused.value.status == 409
    assert str(state) in refused.value.detail
    assert all(str(one) in refused.value.detail for one in STEPS[state])
    assert refused.value.detail_ru


@pytest.mark.parametrize(
    ("state", "step", "actor", "code"),
    [
        (State.DRAFT, Step.EDIT, MAKER, None),
        (State.DRAFT, Step.EDIT, HEAD, None),
        (State.DRAFT, Step.EDIT, OTHER, "not_the_evaluator"),
        (State.DRAFT, Step.RELEASE, AGENT_WHO_MANAGES, "own_evaluation"),
        (State.DRAFT, Step.WITHDRAW, MAKER, None),
        (State.RELEASED, Step.WITHDRAW, MAKER, "not_the_evaluator"),
        (State.RELEASED, Step.WITHDRAW, HEAD, None),
        (State.RELEASED, Step.WITHDRAW, AGENT_WHO_MANAGES, "own_evaluation"),
        (State.RELEASED, Step.ACKNOWLEDGE, AGENT, None),
        (State.RELEASED, Step.ACKNOWLEDGE, KEY, None),
        (State.RELEASED, Step.ACKNOWLEDGE, HEAD, "not_the_evaluated"),
        (State.RELEASED, Step.DISPUTE, OTHER, "not_the_evaluated"),
        (State.DISPUTED, Step.RESOLVE, HEAD, None),
        (State.DISPUTED, Step.RESOLVE, AGENT_WHO_MANAGES, "own_evaluation"),
    ],
)
def test_each_step_is_for_some_and_not_for_others(
    state: State, step: Step, actor: Actor, code: str | None
) -> None:
    if code is None:
        check_may(an_evaluation(state), step, actor)
        return
    with pytest.raises(Refused) as refused:
        check_may(an_evaluation(state), step, actor)
    assert (refused.value.status, refused.value.code) == (403, code)
