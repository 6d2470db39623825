"""Facts of every kind at random, the same for the same seed, some of them contradictory."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid5

from otklik_common.events.contact_center import (
    AdSpend,
    Channel,
    ClockState,
    Contact,
    Direction,
    Evaluation,
    EvaluationState,
    Outcome,
    Reply,
    SlaClock,
)
from otklik_common.events.envelope import Fact
from otklik_common.events.feedback import Answer, Case
from otklik_common.events.leads import Deal, Lead, Showing, Touch
from otklik_common.events.loyalty import Points, Purchase
from otklik_common.events.scripts import ScriptRun
from otklik_common.events.staff import Promise, PromiseState
from tests.support.metrics_known import SPACE, Known
from tests.support.metrics_random_feedback import a_claim, a_clock, a_review

FIRST = datetime(2026, 2, 20, tzinfo=UTC)
DAYS = 75


def pseudonym(kind: str, number: int) -> str:
    """A pseudonym as they look."""
    return f"{kind}1_{number:024d}"


def some_facts(seed: int, size: int = 250) -> Known:
    """Facts of every kind over 75 days with a change of the clock, some of them contradictory."""
    dice = random.Random(seed)
    known = Known()
    for number in range(12):
        for kind in ("ph", "em"):
            known.identity[pseudonym(kind, number)] = uuid5(SPACE, f"customer{number // 2}")
    makers: dict[str, Callable[[random.Random], Fact]] = {
        "contact": _contact,
        "reply": _reply,
        "sla_clock": _clock,
        "feedback_clock": lambda dice: a_clock(dice, _moment(dice), **_dimensions(dice)),
        "review": lambda dice: a_review(dice, _moment(dice), **_dimensions(dice)),
        "claim": lambda dice: a_claim(dice, _moment(dice), **_dimensions(dice)),
        "promise": _promise,
        "ad_spend": _ad_spend,
        "lead": _lead,
        "showing": _showing,
        "deal": _deal,
        "touch": _touch,
        "evaluation": _evaluation,
        "script_run": _script_run,
        "answer": _answer,
        "case": _case,
        "purchase": _purchase,
        "points": _points,
    }
    for kind, make in makers.items():
        known.facts[kind] = [(uuid5(SPACE, f"{kind}{n}"), make(dice)) for n in range(size)]
    return known


def _moment(dice: random.Random) -> datetime:
    # Some exactly on borders of days and quarters of an hour.
    at = FIRST + timedelta(milliseconds=dice.randrange(DAYS * 86_400_000))
    return at.replace(minute=0, second=0, microsecond=0) if dice.random() < 0.1 else at


def _maybe(dice: random.Random, value: Any, share: float = 0.85) -> Any:
    return value if dice.random() < share else None


def _dimensions(dice: random.Random, **more: Any) -> dict[str, Any]:
    return {
        "branch": dice.choice([None, "tyumen", "perm", "omsk"]),
        "agent": dice.choice([None, "petrova", "ivanov"]),
        "party": dice.choice([None, "buyer", "seller"]),
        "identifiers": _people(dice),
        **more,
    }


def _people(dice: random.Random) -> tuple[str, ...]:
    if dice.random() < 0.15:
        return ()
    number = dice.randrange(20)
    return tuple(pseudonym(kind, number) for kind in dice.choice([("ph",), ("em",), ("ph", "em")]))


def _contact(dice: random.Random) -> Contact:
    at = _moment(dice)
    wait = timedelta(
        milliseconds=dice.choice([0, 4999, 5000, 5001, 20_000, dice.randrange(400_000)])
    )
    outcome = dice.choice(list(Outcome))
    answered = at + wait if outcome is Outcome.ANSWERED or dice.random() < 0.3 else None
    ended = _maybe(dice, at + wait + timedelta(seconds=dice.randrange(4000)), 0.8)
    asked = _maybe(dice, at, 0.6)
    return Contact(
        source=uuid5(SPACE, dice.choice("ab")),
        channel=dice.choice([Channel.CALL, Channel.CHAT, Channel.FORM]),
        direction=Direction.IN,
        queue=dice.choice(["sales", "rent", None]),
        team=dice.choice(["first", None]),
        offered_at=None if dice.random() < 0.1 else at,
        started_at=at,
        answered_at=answered,
        abandoned_at=ended if outcome is Outcome.ABANDONED else None,
        first_asked_at=asked,
        ended_at=ended,
        closed_at=ended,
        open_since=None if ended else _maybe(dice, at + timedelta(hours=1), 0.5),
        due_at=_maybe(dice, at + timedelta(days=dice.randrange(60)), 0.5),
        outcome=outcome,
        waited_ms=_maybe(dice, wait // timedelta(milliseconds=1), 0.95),
        handled_ms=_maybe(dice, dice.randrange(2_000_000)) if ended else None,
        first_response_ms=_maybe(dice, dice.randrange(9_000_000), 0.7) if asked else None,
        resolution_ms=_maybe(dice, dice.randrange(900_000_000), 0.95) if ended else None,
        transfers=dice.choice([0, 0, 1, 2]),
        **_dimensions(dice),
    )


def _reply(dice: random.Random) -> Reply:
    at, wait = _moment(dice), dice.randrange(9_000_000)
    replied = _maybe(dice, at + timedelta(milliseconds=wait))
    return Reply(
        contact=SPACE,
        source=SPACE,
        channel=Channel.CHAT,
        queue="sales",
        first=dice.random() < 0.5,
        asked_at=at,
        replied_at=replied,
        waited_ms=wait if replied else None,
        **_dimensions(dice),
    )


def _clock(dice: random.Random) -> SlaClock:
    at = _moment(dice)
    return SlaClock(
        contact=SPACE,
        source=uuid5(SPACE, dice.choice("ab")),
        channel=dice.choice([Channel.CALL, Channel.CHAT]),
        queue=dice.choice(["sales", None]),
        target=dice.choice(["first_response", "first_response", "resolution"]),
        policy=dice.choice(["usual", "gold"]),
        priority=10,
        target_ms=60_000,
        state=dice.choice(list(ClockState)),
        started_at=at,
        **_dimensions(dice),
    )


def _evaluation(dice: random.Random) -> Evaluation:
    at = _moment(dice)
    failed = dice.random() < 0.2
    return Evaluation(
        contact=SPACE,
        source=uuid5(SPACE, dice.choice("ab")),
        channel=dice.choice([Channel.CALL, Channel.CHAT]),
        queue=dice.choice(["sales", None]),
        form=dice.choice(["sales", "service"]),
        form_version=1,
        state=dice.choice(list(EvaluationState)),
        score_micro=0 if failed else dice.randrange(1_000_001),
        failed=failed,
        evaluated_at=at,
        released_at=at,
        disputed_at=_maybe(dice, at + timedelta(days=1), 0.3),
        **{"agent": "petrova"} | {k: v for k, v in _dimensions(dice).items() if v is not None},
    )


def _script_run(dice: random.Random) -> ScriptRun:
    at = _moment(dice)
    done = dice.randrange(4)
    missed = tuple(dice.sample(["greeting", "need", "next_step"], dice.choice([0, 0, 1, 3])))
    return ScriptRun(
        contact=SPACE,
        source=uuid5(SPACE, dice.choice("ab")),
        channel=dice.choice([Channel.CALL, Channel.CHAT]),
        direction=dice.choice(list(Direction)),
        queue=dice.choice(["sales", None]),
        script=dice.choice(["buyers", "sellers"]),
        script_version=dice.choice([1, 2]),
        asked=done + len(missed),
        done=done,
        missed=missed,
        complete=dice.random() < 0.7,
        filled_at=at,
        corrected_at=_maybe(dice, at + timedelta(hours=5), 0.3),
        **{"agent": "petrova"} | {k: v for k, v in _dimensions(dice).items() if v is not None},
    )


def _promise(dice: random.Random) -> Promise:
    """Some as no worker has looked at them since they were due; `now` is in the middle of them."""
    due = _moment(dice) + timedelta(days=dice.choice([0, 20]))
    made, warn = due - timedelta(days=3), due - timedelta(days=dice.choice([0, 1, 2]))
    kept = _maybe(dice, made + timedelta(hours=dice.randrange(100)), 0.6)
    given_up = made + timedelta(hours=1) if kept is None and dice.random() < 0.2 else None
    state = PromiseState.AT_RISK if dice.random() < 0.3 else PromiseState.OPEN
    if kept is not None:
        state = PromiseState.KEPT if kept <= due else PromiseState.KEPT_LATE
    elif given_up is not None:
        state = PromiseState.CANCELLED
    elif due < Known().now and dice.random() < 0.7:
        state = PromiseState.BROKEN
    said = _dimensions(dice)
    return Promise(
        promise_kind=dice.choice(["call_back", "visit"]),
        agent=said["agent"] or "sidorov",
        branch=said["branch"],
        party=said["party"],
        channel=dice.choice([None, Channel.CALL]),
        state=state,
        made_at=made,
        warn_at=warn,
        due_at=due,
        kept_at=kept,
        cancelled_at=given_up,
        postponed=dice.randrange(3),
    )


def _ad_spend(dice: random.Random) -> AdSpend:
    return AdSpend(
        spent_at=_moment(dice).replace(hour=22, minute=0, second=0, microsecond=0),
        ad_source=dice.choice(["yandex", "vk"]),
        medium=dice.choice(["cpc", None]),
        campaign=dice.choice(["spring", None]),
        agency=dice.choice(["bright", None]),
        branch=dice.choice([None, "tyumen", "perm", "omsk"]),
        currency=dice.choice(["RUB", "RUB", "KZT"]),
        amount_minor=dice.randrange(10_000_000),
    )


def _lead(dice: random.Random) -> Lead:
    at = _moment(dice)
    minutes = dice.choice([0, 5, 14, 60, 61, 3 * 1440, 30 * 1440])
    attempted = _maybe(dice, at + timedelta(minutes=minutes), 0.7)
    contacted = _maybe(dice, attempted, 0.6)
    assigned = _maybe(dice, at + timedelta(minutes=dice.choice([0, 2, 90])), 0.6)
    later = {
        name: _maybe(dice, at + timedelta(days=dice.randrange(60)), 0.3)
        for name in ("qualified_at", "shown_at", "dealt_at", "closed_at")
    }
    return Lead(
        contact=SPACE,
        source=SPACE,
        channel=Channel.FORM,
        created_at=at,
        assigned_at=assigned,
        attempted_at=attempted,
        contacted_at=contacted,
        last_requested_at=at,
        assign_ms=_since(at, assigned),
        attempt_ms=_since(at, attempted),
        contact_ms=_since(at, contacted),
        reason=None if later["closed_at"] is None else dice.choice(["lost", "advice"]),
        **later,
        **_brought(dice),
        **_dimensions(dice),
    )


def _brought(dice: random.Random) -> dict[str, Any]:
    return {
        "ad_source": dice.choice([None, "yandex", "vk"]),
        "medium": dice.choice([None, "cpc"]),
        "campaign": dice.choice([None, "spring"]),
    }


def _since(begun: datetime, at: datetime | None) -> int | None:
    return None if at is None else (at - begun) // timedelta(milliseconds=1)


def _showing(dice: random.Random) -> Showing:
    said = _brought(dice) | _dimensions(dice)
    return Showing(shown_at=_moment(dice), channel=Channel.CALL, **said)


def _deal(dice: random.Random) -> Deal:
    amount = _maybe(dice, dice.randrange(1, 10**9), 0.8)
    return Deal(
        deal=SPACE,
        dealt_at=_moment(dice),
        amount_minor=amount,
        currency=None if amount is None else dice.choice(["RUB", "RUB", "EUR"]),
        **_brought(dice),
        **_dimensions(dice),
    )


def _touch(dice: random.Random) -> Touch:
    amount = dice.choice([None, 0, dice.randrange(10**9)])
    of_deal = dice.random() < 0.5
    said = {name: part for name, part in _dimensions(dice).items() if name != "identifiers"}
    flags: dict[str, Any] = {
        name: dice.random() < 0.4 for name in ("opener", "first", "last", "last_non_direct")
    }
    return Touch(
        lead=SPACE,
        deal=SPACE if of_deal else None,
        credited_at=_moment(dice),
        place=1,
        touches=3,
        linear_micro=dice.choice([0, 333_333, 1_000_000]),
        position_micro=dice.randrange(1_000_001),
        amount_minor=amount if of_deal else None,
        linear_minor=(amount or 0) // 3 if of_deal else 0,
        position_minor=(amount or 0) // 5 if of_deal else 0,
        currency=dice.choice(["RUB", "EUR"]) if of_deal and amount is not None else None,
        **flags,
        **_brought(dice),
        **said,
    )


def _answer(dice: random.Random) -> Answer:
    most = dice.randrange(1, 9) * 1_000_000
    return Answer(
        survey=uuid5(SPACE, "survey"),
        template="nps",
        channel=dice.choice(["call", "chat"]),
        answered_at=_moment(dice),
        anonymous=dice.random() < 0.15,
        weight_micro=dice.choice([1_000_000, 1_000_000, dice.randrange(1, 5_000_000)]),
        nps=_maybe(dice, dice.randrange(11)),
        nps_1_10=_maybe(dice, dice.randrange(1, 11), 0.4),
        enps=_maybe(dice, dice.randrange(11), 0.6),
        csat=_maybe(dice, dice.randrange(1, 6)),
        ces=_maybe(dice, dice.randrange(1, 8)),
        lost_deal=_maybe(dice, dice.randrange(3), 0.6),
        csi_score_micro=_maybe(dice, most * dice.randrange(1, 6), 0.8),
        csi_most_micro=most * 5,
        csi_least_micro=most,
        csi_importance_micro=most,
        **_dimensions(dice),
    )


def _case(dice: random.Random) -> Case:
    at = _moment(dice)
    return Case(
        reason=dice.choice(["nps", "csat"]),
        opened_at=at,
        due_at=at + timedelta(days=dice.choice([2, 40])),
        closed_at=_maybe(dice, at + timedelta(hours=dice.randrange(600)), 0.6),
        **_dimensions(dice),
    )


def _purchase(dice: random.Random) -> Purchase:
    amount = dice.randrange(10_000_000)
    return Purchase(
        sold_at=_moment(dice),
        currency=dice.choice(["RUB", "RUB", "KZT"]),
        amount_minor=amount,
        net_minor=dice.choice([amount, 0, amount // 2]),
        lines=1,
        **_dimensions(dice),
    )


def _points(dice: random.Random) -> Points:
    movement = dice.choice(["issued", "earned", "spent", "taken_back", "reversed"])
    amount = dice.randrange(1, 1000)
    down = movement in ("spent", "taken_back") or (movement == "reversed" and dice.random() < 0.5)
    return Points(
        customer=SPACE,
        moved_at=_moment(dice),
        movement=movement,
        points=-amount if down else amount,
        reason="gift",
        reverses=SPACE if movement == "reversed" else None,
        branch=dice.choice([None, "tyumen", "perm"]),
    )
