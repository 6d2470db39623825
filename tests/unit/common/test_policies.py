"""Of the policies that fit a contact the first by priority holds, and the choice tells why."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from otklik_common.clocks.calendar import round_the_clock
from otklik_common.clocks.policies import (
    ALWAYS,
    CLAIM,
    CONDITIONS,
    CONTACT,
    REVIEW,
    Choice,
    Policies,
    Policy,
    Promise,
    Subject,
    Terms,
    Verdict,
    about,
)
from otklik_common.events.access import TARGET_NAMES, OtherTargetName, TargetName

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def terms(priority: int = 10, since: datetime = ALWAYS, **more: Any) -> Terms:
    active = more.pop("active", True)
    calendar = more.pop("calendar", None)
    promises = {name: Promise(HOUR) for name in more.pop("targets", "first_response").split()}
    conditions = {name: frozenset(values.split()) for name, values in more.items()}
    return Terms(since, priority, conditions, calendar, promises, active)


def chosen(policies: Policies, subject: Subject, at: datetime = MARCH) -> str | None:
    choice = policies.choose(subject, at)
    return None if choice is None else choice.policy


def test_the_lowest_number_of_those_that_fit_holds_and_says_by_what() -> None:
    usual = Policy("usual", [terms(90)])
    chats = Policy("chats", [terms(20, channel="chat messenger", branch="tyumen")])
    gold = Policy("gold", [terms(10, service_level="gold")])
    policies = Policies([usual, chats, gold])
    assert policies.choose(Subject("chat", branch="tyumen"), MARCH) == Choice(
        "chats", chats.terms[0], ("channel", "branch")
    )
    assert chosen(policies, Subject("chat", branch="omsk")) == "usual"
    assert chosen(policies, Subject("chat", branch="tyumen", service_level="gold")) == "gold"
    assert policies.explain(Subject("chat", branch="omsk"), MARCH) == [
        Verdict("gold", 10, "service_level"),
        Verdict("chats", 20, "branch"),
        Verdict("usual", 90, None),
    ]


def test_only_policies_that_promise_anything_about_such_are_asked() -> None:
    reviews = Policy("reviews", [terms(1, targets="review_reply")])
    both = Policy("both", [terms(5, targets="first_response claim_answer", branch="omsk")])
    usual = Policy("usual", [terms(90)])
    policies = Policies([reviews, both, usual])
    omsk, tyumen = Subject(branch="omsk"), Subject(branch="tyumen")
    assert chosen(policies, omsk) == "both"
    assert chosen(policies, tyumen) == "usual"
    assert [one.policy for one in policies.explain(omsk, MARCH)] == ["both", "usual"]
    for subject, kind, expected in (
        (omsk, REVIEW, "reviews"),
        (omsk, CLAIM, "both"),
        (tyumen, CLAIM, None),
    ):
        choice = policies.choose(subject, MARCH, kind)
        assert (choice and choice.policy) == expected, (subject, kind)


def test_none_may_fit() -> None:
    assert chosen(Policies([]), Subject("call")) is None
    assert chosen(Policies([Policy("chats", [terms(channel="chat")])]), Subject("call")) is None


def test_a_branch_fits_by_any_of_its_groups() -> None:
    policies = Policies(
        [Policy("own", [terms(group="own ural")])],
        groups={"tyumen": frozenset({"ural"}), "omsk": frozenset({"franchise"})},
    )
    fits = {
        branch: chosen(policies, Subject("call", branch=branch)) for branch in ("tyumen", "omsk")
    }
    assert fits == {"tyumen": "own", "omsk": None}
    assert chosen(policies, Subject("call")) is None


def test_what_was_promised_at_a_moment_is_what_the_terms_of_then_say() -> None:
    later = MARCH + timedelta(days=9)
    policies = Policies(
        [
            Policy(
                "usual", [terms(90, MARCH), terms(5, later), terms(5, later + HOUR, active=False)]
            ),
            Policy("chats", [terms(20, ALWAYS)]),
        ]
    )
    subject = Subject("chat")
    assert [
        chosen(policies, subject, at)
        for at in (MARCH - HOUR, MARCH, later - timedelta.resolution, later, later + HOUR)
    ] == ["chats", "chats", "chats", "usual", "chats"]
    assert [one.policy for one in policies.explain(subject, MARCH)] == ["chats", "usual"]


def test_of_equal_priorities_of_the_past_the_code_decides() -> None:
    two = [Policy("b", [terms(1)]), Policy("a", [terms(1)])]
    assert chosen(Policies(two), Subject()) == chosen(Policies(two[::-1]), Subject()) == "a"


def test_the_calendar_is_the_terms_own_else_the_branch_s_else_the_company_s() -> None:
    whole = round_the_clock()
    policies = Policies(
        calendars={"office": whole, "night": whole, "tyumen": whole},
        default="office",
        branch_calendars={"tyumen": "tyumen", "omsk": "gone"},
    )
    assert policies.calendar_of(terms(calendar="night"), "tyumen") == "night"
    assert policies.calendar_of(terms(calendar="unheard"), "tyumen") is None
    assert policies.calendar_of(terms(), "tyumen") == "tyumen"
    assert policies.calendar_of(terms(), "omsk") == "office"
    assert policies.calendar_of(terms(), None) == "office"
    assert Policies().calendar_of(terms(), None) is None


def test_business_time_without_a_calendar_is_no_promise_yet() -> None:
    policies = Policies(calendars={"office": round_the_clock()})
    business, elapsed = Promise(HOUR), Promise(HOUR, business=False)
    assert policies.target(business, None) is None
    assert policies.target(business, "unheard") is None
    made = policies.target(business, "office")
    assert made is not None
    assert made.calendar is not None
    plain = policies.target(elapsed, "office")
    assert plain is not None
    assert plain.calendar is None


def test_choices_agree_with_asking_every_policy_in_turn() -> None:
    """Against the plainest way: sort by priority, take the first of which everything fits."""
    rng = random.Random(8)
    values = {name: [f"{name}{number}" for number in range(3)] for name in CONDITIONS}
    for _ in range(2_000):
        made = []
        for number in range(rng.randint(0, 6)):
            names = rng.sample(CONDITIONS, rng.randint(0, 3))
            said: dict[str, Any] = {
                name: " ".join(rng.sample(values[name], rng.randint(1, 2))) for name in names
            }
            made.append(Policy(f"p{number}", [terms(rng.randint(1, 4), **said)]))
        groups = {branch: frozenset(rng.sample(values["group"], 2)) for branch in values["branch"]}
        subject = Subject(
            **{name: rng.choice([None, *values[name]]) for name in CONDITIONS if name != "group"}
        )
        of_subject = {**subject._asdict(), "group": groups.get(subject.branch or "", frozenset())}

        def fits(policy: Policy, has: dict[str, Any] = of_subject) -> bool:
            return all(
                bool(allowed & has[name]) if name == "group" else has[name] in allowed
                for name, allowed in policy.terms[0].conditions.items()
            )

        ranked = sorted(made, key=lambda one: (one.terms[0].priority, one.code))
        expected = next((one.code for one in ranked if fits(one)), None)
        policies = Policies(made, groups=groups)
        assert chosen(policies, subject) == expected
        told = policies.explain(subject, MARCH)
        assert next((one.policy for one in told if one.failed is None), None) == expected


def test_whatever_may_be_promised_is_promised_about_something() -> None:
    assert (*TargetName, *OtherTargetName) == TARGET_NAMES
    assert {name for name in TARGET_NAMES if about(name) == CONTACT} == set(TargetName)
