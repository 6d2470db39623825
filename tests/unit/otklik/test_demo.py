"""The simulated agency: always the same, and with its truths planted."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik.demo.agency import FORCES, TRUTHS, realtors
from otklik.demo.care import UNHAPPY
from otklik.demo.people import Person
from otklik.demo.queueing import Arrival, serve
from otklik.demo.simulation import DAYS, Push, World, simulate

BEGINS = date(2026, 8, 24)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def world() -> World:
    return World(1)


@pytest.fixture(scope="module")
def history(world: World) -> list[Push]:
    return [push for day in islice(simulate(1, BEGINS, world=world), DAYS) for push in day]


def test_the_same_seed_tells_the_same_life() -> None:
    one = list(islice(simulate(7, BEGINS), 5))
    two = list(islice(simulate(7, BEGINS), 5))
    assert one == two
    assert one != list(islice(simulate(8, BEGINS), 5))


def test_every_id_is_told_once_and_marked_as_the_demos_own(history: list[Push]) -> None:
    ids = [(push.sort, push.body["id"]) for push in history]
    assert len(set(ids)) == len(ids)
    assert all(one.startswith("demo-") for _, one in ids)


def test_days_come_in_order_and_end_at_midnight(history: list[Push]) -> None:
    assert history == sorted(history)
    ends = datetime(2026, 11, 22, tzinfo=UTC)
    assert history[-1].at < ends


def test_a_phone_is_never_a_real_one(history: list[Push]) -> None:
    phones = {push.body["from"] for push in history if "from" in push.body}
    assert all(phone.startswith("+7000") or phone.endswith("@demo.invalid") for phone in phones)


def test_the_slow_branch_calls_back_least(history: list[Push]) -> None:
    missed: dict[str, int] = defaultdict(int)
    back: dict[str, int] = defaultdict(int)
    answered = {push.body["contact"] for push in history if push.body.get("type") == "answered"}
    for push in history:
        body = push.body
        if push.sort != "event" or body["channel"] != "call":
            continue
        if body["type"] == "queued" and body["contact"] not in answered:
            missed[body["branch"]] += 1
        if body["type"] == "started":
            back[body["branch"]] += 1
    shares = {branch: back[branch] / missed[branch] for branch in missed}
    assert min(shares, key=lambda branch: shares[branch]) == TRUTHS.slow_branch
    assert shares[TRUTHS.slow_branch] < 0.6
    assert mean(share for branch, share in shares.items() if branch != TRUTHS.slow_branch) > 0.7


def _after_deals(history: list[Push]) -> list[dict[str, int]]:
    return [
        push.body["values"]
        for push in history
        if push.sort == "answer" and push.body["survey"] == "forces"
    ]


def test_one_force_drives_one_only_hurts_one_does_nothing(history: list[Push]) -> None:
    answers = _after_deals(history)

    def effect(force: str, low: int, high: int) -> float:
        below = [one["nps"] for one in answers if one[force] <= low]
        above = [one["nps"] for one in answers if one[force] >= high]
        return mean(above) - mean(below)

    assert len(answers) > 250
    assert effect(TRUTHS.driver_force, 4, 6) > 1.2
    assert effect(TRUTHS.barrier_force, 3, 4) > 1.0
    assert abs(effect(TRUTHS.null_force, 4, 6)) < 0.8


def test_the_cherry_picker_is_hardly_ever_rated_low(history: list[Push]) -> None:
    by_agent: dict[str, list[int]] = defaultdict(list)
    for push in history:
        if push.sort == "answer" and push.body.get("agent") and "nps" in push.body["values"]:
            by_agent[push.body["agent"]].append(push.body["values"]["nps"])
    low = {agent: mean(points < 8 for points in given) for agent, given in by_agent.items()}
    assert low[TRUTHS.cherry_picker] < mean(low.values()) / 2


def test_the_bad_advert_brings_detractors(history: list[Push], world: World) -> None:
    campaign = {person.phone: person.campaign for person in world.people}
    points: dict[bool, list[int]] = defaultdict(list)
    for push in history:
        if push.sort == "answer" and "nps" in push.body["values"]:
            bad = campaign[push.body["customer"]["phone"]] == TRUTHS.bad_campaign
            points[bad].append(push.body["values"]["nps"])
    assert mean(points[False]) - mean(points[True]) > 1


def test_unanswered_customers_buy_less(history: list[Push], world: World) -> None:
    bought = {push.body["customer"]["phone"] for push in history if push.sort == "purchase"}

    def share(people: list[Person]) -> float:
        return mean(person.phone in bought for person in people)

    silent = [person for person in world.people if person.missed]
    heard = [person for person in world.people if not person.missed]
    assert share(silent) < share(heard) * 0.6


def test_most_unhappy_customers_are_called_and_the_slow_branch_calls_fewest(
    history: list[Push],
) -> None:
    unhappy = {
        push.body["id"]: push
        for push in history
        if push.sort == "answer" and push.body["values"].get("nps", 10) <= UNHAPPY
    }
    called = {push.key: push for push in history if push.sort == "case_step"}
    assert called.keys() <= unhappy.keys()
    assert all(called[key].at > unhappy[key].at for key in called)
    taken_up: dict[bool, list[bool]] = defaultdict(list)
    for key, push in unhappy.items():
        taken_up[push.body["branch"] == TRUTHS.slow_branch].append(key in called)
    assert mean(taken_up[False]) > 0.85
    assert mean(taken_up[True]) < mean(taken_up[False])


def test_claims_are_worked_off_in_a_day_but_for_the_slow_branch(history: list[Push]) -> None:
    claims = {
        push.body["contact"]: push.body
        for push in history
        if push.sort == "event" and push.body.get("touchpoint") == "claim"
    }
    ended = {push.body["contact"]: push.at for push in history if push.body.get("type") == "ended"}
    in_time: dict[bool, list[bool]] = defaultdict(list)
    for contact, body in claims.items():
        due = datetime.fromisoformat(body["due_at"])
        kept = contact in ended and ended[contact] <= due
        in_time[body["branch"] == TRUTHS.slow_branch].append(kept)
    assert len(claims) > 50
    assert mean(in_time[False]) > 0.7
    assert mean(in_time[True]) < mean(in_time[False]) - 0.2


def test_every_branch_has_realtors_of_its_own() -> None:
    codes = [one.code for one in realtors()]
    assert len(set(codes)) == len(codes)
    assert TRUTHS.cherry_picker in codes
    assert {TRUTHS.driver_force, TRUTHS.barrier_force, TRUTHS.null_force} <= set(FORCES)


arrivals = st.lists(
    st.tuples(st.integers(0, 3600), st.integers(1, 600), st.integers(0, 300)), max_size=40
)


@given(arrivals, st.integers(0, 4), st.integers(0, 60))
def test_nobody_is_answered_after_losing_patience_and_no_agent_talks_twice(
    drawn: list[tuple[int, int, int]], agents: int, wrap: int
) -> None:
    callers = [
        Arrival(
            NOON + timedelta(seconds=at), timedelta(seconds=talk), timedelta(seconds=patience), i
        )
        for i, (at, talk, patience) in enumerate(sorted(drawn))
    ]
    served = serve(callers, [f"agent-{n}" for n in range(agents)], timedelta(seconds=wrap))
    assert [one.index for one in served] == [caller.index for caller in callers]
    busy: dict[str, datetime] = {}
    for caller, one in sorted(
        zip(callers, served, strict=True), key=lambda pair: pair[1].answered_at or NOON
    ):
        if one.answered_at is None:
            assert one.ended_at == caller.at + caller.patience
            continue
        assert caller.at <= one.answered_at <= caller.at + caller.patience
        assert one.agent is not None
        assert busy.get(one.agent, NOON) <= one.answered_at
        busy[one.agent] = one.ended_at + timedelta(seconds=wrap)


def test_the_slow_branch_is_rated_worst_and_replies_least(history: list[Push]) -> None:
    stars: dict[str, list[int]] = defaultdict(list)
    replies: dict[str, int] = defaultdict(int)
    for push in history:
        if push.sort == "review":
            stars[push.body["branch"]].append(push.body["stars"])
        if push.sort == "review_reply":
            replies[push.body["review"]["branch"]] += 1
    assert 90 <= sum(map(len, stars.values())) <= 200
    slow = TRUTHS.slow_branch
    others = [one for branch, found in stars.items() if branch != slow for one in found]
    assert mean(stars[slow]) < mean(others) - 0.5
    told = sum(count for branch, count in replies.items() if branch != slow)
    assert replies[slow] / len(stars[slow]) < told / len(others) - 0.2


def test_every_claim_is_worked_off_or_left_and_steps_follow_it(history: list[Push]) -> None:
    claims = {push.body["id"]: push.at for push in history if push.sort == "claim"}
    steps = [push for push in history if push.sort == "claim_step"]
    assert len(claims) > 20
    for push in steps:
        assert push.at > claims[push.body["claim"]["id"]]
    done = {push.body["claim"]["id"] for push in steps if push.body["step"] == "work-off"}
    assert 0.6 < len(done) / len(claims) < 1
