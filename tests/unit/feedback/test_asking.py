"""Asking by example: triggers, rules of quarantine, states, reminders, ends of links."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_common.events.asking import InvitationState
from otklik_common.events.contact_center import Channel, Contact, Direction
from otklik_common.events.feedback import Survey as SurveyFact
from otklik_common.links import link_digest, link_token, linked_name
from otklik_feedback.domain.asking.deciding import (
    Invite,
    Plan,
    Stop,
    Wait,
    Waiting,
    decide,
    stopped_early,
)
from otklik_feedback.domain.asking.invitation import (
    Invitation,
    Step,
    bounced,
    expires_at,
    month_of,
    next_reminder,
    reminded,
    told,
)
from otklik_feedback.domain.asking.link import Link, LinkKind, LinkNotValid, usable
from otklik_feedback.domain.asking.occasions import occasion_of
from otklik_feedback.domain.asking.programme import (
    AskChannel,
    BadProgramme,
    Counted,
    Quota,
    checked,
    reachable,
    sampled,
)
from otklik_feedback.domain.asking.quarantine import Asked, Quarantine, Rule, remembered
from tests.unit.feedback.asking_year import a_programme
from tests.unit.feedback.builders import MAIL, MONDAY, PHONE

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
SMS, EMAIL = AskChannel.SMS, AskChannel.EMAIL


def a_plan(*people: str, at: datetime = MONDAY) -> Plan:
    """Somebody who is to be asked on Monday."""
    known = people or (PHONE,)
    return Plan(UUID(int=1), "demo2abc", known[0], known, at, at)


def asked(before: timedelta, metric: str = "csat", channel: str = "sms") -> Asked:
    """What somebody was asked before Monday."""
    return Asked(UUID(int=int(before / HOUR)), MONDAY - before, metric, channel)


def a_decision(
    *history: Asked,
    rules: Quarantine | None = None,
    plan: Plan | None = None,
    waiting: tuple[Waiting, ...] = (),
    now: datetime = MONDAY,
    opted_out: bool = False,
    **said: Any,
) -> object:
    """What is decided on an NPS."""
    return decide(
        plan or a_plan(),
        a_programme(**said),
        "nps",
        rules=rules or Quarantine(0, {}, {}),
        asked=history,
        waiting=waiting,
        opted_out=opted_out,
        now=now,
    )


def test_nobody_known_is_nobody_to_ask() -> None:
    nobody = Plan(UUID(int=1), "demo2abc", None, (), MONDAY, MONDAY)
    assert stopped_early(nobody, a_programme()) == Stop(Rule.NO_ADDRESS)
    assert a_decision(plan=a_plan("x1_shop")) == Stop(Rule.NO_ADDRESS)
    assert a_decision(plan=a_plan("x1_shop"), channels=(AskChannel.APP,)) == Invite(
        (AskChannel.APP,)
    )


def test_ways_are_tried_in_the_programmes_order() -> None:
    both = (PHONE, MAIL)
    assert reachable((EMAIL, SMS), both) == (EMAIL, SMS)
    assert reachable((EMAIL, SMS, AskChannel.VOICE), (PHONE,)) == (SMS, AskChannel.VOICE)
    assert a_decision(plan=a_plan(*both)) == Invite((SMS, EMAIL))


def test_rules_end_to_the_moment() -> None:
    fortnight = Quarantine(14, {}, {})
    last = asked(14 * DAY)
    assert a_decision(last, rules=fortnight) == Invite((SMS,))
    tick = timedelta(microseconds=1)
    early = a_decision(last, rules=fortnight, plan=a_plan(at=MONDAY - tick), now=MONDAY - tick)
    assert early == Stop(Rule.QUARANTINE_PERSON, last.invitation)


def test_a_rule_stops_or_lets_wait() -> None:
    ten = asked(10 * DAY, "nps")
    assert a_decision(ten, rules=Quarantine(0, {"nps": 90}, {})) == Stop(
        Rule.QUARANTINE_METRIC, ten.invitation
    )
    fortnight = Quarantine(14, {}, {})
    waits = Wait(MONDAY + 4 * DAY, Rule.QUARANTINE_PERSON, ten.invitation)
    assert a_decision(ten, rules=fortnight, wait=4 * DAY) == waits
    assert a_decision(ten, rules=fortnight, wait=3 * DAY) == Stop(
        Rule.QUARANTINE_PERSON, ten.invitation
    )
    by_text = Quarantine(0, {}, {"sms": 30})
    assert a_decision(ten, rules=by_text) == Stop(Rule.QUARANTINE_CHANNEL, ten.invitation)
    assert a_decision(ten, rules=by_text, plan=a_plan(PHONE, MAIL)) == Invite((EMAIL,))


def test_what_is_switched_off_late_or_unwanted_is_not_sent() -> None:
    assert a_decision(active=False) == Stop(Rule.PROGRAMME_OFF)
    assert a_decision(opted_out=True) == Stop(Rule.OPTED_OUT)
    assert a_decision(now=MONDAY + 3 * DAY) == Invite((SMS,))
    assert a_decision(now=MONDAY + 3 * DAY + HOUR) == Stop(Rule.TOO_LATE)


def other(at: datetime, priority: int = 90, metric: str = "ces") -> Waiting:
    """A more important plan for the same person."""
    return Waiting(UUID(int=9), at, priority, metric, (SMS,))


def test_what_is_more_important_keeps_its_turn() -> None:
    fortnight = Quarantine(14, {"ces": 60}, {})
    reserved = Stop(Rule.RESERVED, UUID(int=9))
    assert a_decision(rules=fortnight, waiting=(other(MONDAY + 13 * DAY),)) == reserved
    # It overtakes nobody whom it would not keep from anything.
    assert a_decision(rules=fortnight, waiting=(other(MONDAY + 14 * DAY),)) == Invite((SMS,))
    assert a_decision(rules=fortnight, waiting=(other(MONDAY, priority=50),)) == Invite((SMS,))
    # What could not be sent at its turn holds nothing.
    asked_ces = asked(20 * DAY, "ces")
    assert a_decision(asked_ces, rules=fortnight, waiting=(other(MONDAY + DAY),)) == Invite((SMS,))
    by_text = Quarantine(0, {"nps": 30}, {"sms": 10})
    assert a_decision(rules=by_text, waiting=(other(MONDAY + 9 * DAY),)) == reserved
    assert a_decision(rules=by_text, waiting=(other(MONDAY + 29 * DAY, metric="nps"),)) == reserved


@given(share=st.integers(1, 999_999), more=st.integers(1, 999_999), person=st.text(max_size=8))
def test_who_is_in_a_sample_is_in_every_larger_one(share: int, more: int, person: str) -> None:
    small, large = sorted((share, more))
    if sampled("demo2abc", "p", person, share_micro=small):
        assert sampled("demo2abc", "p", person, share_micro=large)
    assert sampled("demo2abc", "p", person, share_micro=1_000_000)


def an_invitation(*reminders: timedelta, channels: tuple[AskChannel, ...] = (SMS,)) -> Invitation:
    """Somebody who was asked on Monday."""
    return Invitation(UUID(int=1), channels, MONDAY, MONDAY + 14 * DAY, reminders=tuple(reminders))


STEPS = [(step, MONDAY + n * HOUR) for n, step in enumerate(Step, start=1)]


@given(st.lists(st.sampled_from(STEPS), max_size=5), st.randoms())
def test_states_do_not_depend_on_the_order_in_which_they_are_told(
    steps: list[tuple[Step, datetime]], draw: Any
) -> None:
    def after(order: list[tuple[Step, datetime]]) -> Invitation:
        one = an_invitation()
        for step, at in order:
            one = told(one, step, at)
        return one

    shuffled = steps + steps
    draw.shuffle(shuffled)
    assert after(shuffled) == after(steps)


def test_a_state_is_the_furthest_that_is_known() -> None:
    for some in permutations([Step.OPENED, Step.DELIVERED, Step.PARTIAL]):
        one = an_invitation()
        for hours, step in enumerate(some, start=1):
            one = told(one, step, MONDAY + hours * HOUR)
        assert one.state is InvitationState.PARTIAL
    opened = told(an_invitation(), Step.OPENED, MONDAY + HOUR)
    assert opened.delivered_at == MONDAY + HOUR
    out = told(opened, Step.OPTED_OUT, MONDAY + 2 * HOUR)
    assert out.state is InvitationState.OPTED_OUT
    assert told(out, Step.DONE, MONDAY + HOUR).state is InvitationState.DONE
    # Clocks differ: nothing happens before it was sent.
    assert told(an_invitation(), Step.OPENED, MONDAY - HOUR).moments == {Step.OPENED: MONDAY}


def test_it_has_bounced_when_no_way_is_left() -> None:
    one = an_invitation(channels=(SMS, EMAIL))
    assert (one.channel, one.bounced_at) == (SMS, None)
    by_mail = bounced(one, SMS, MONDAY + HOUR)
    assert (by_mail.channel, by_mail.state) == (EMAIL, InvitationState.INVITED)
    assert bounced(by_mail, SMS, MONDAY + 2 * HOUR) == by_mail
    assert bounced(by_mail, AskChannel.VOICE, MONDAY) == by_mail
    gone = bounced(by_mail, EMAIL, MONDAY + 2 * HOUR)
    assert (gone.channel, gone.state) == (EMAIL, InvitationState.BOUNCED)
    assert gone.bounced_at == MONDAY + 2 * HOUR
    assert told(gone, Step.OPENED, MONDAY + 3 * HOUR).state is InvitationState.OPENED


def test_reminders_go_to_the_unfinished_while_the_link_lasts() -> None:
    one = an_invitation(DAY, 5 * DAY, 20 * DAY)
    assert next_reminder(one) == MONDAY + DAY
    once = reminded(one, MONDAY + DAY)
    assert (once.reminded, next_reminder(once)) == (1, MONDAY + 5 * DAY)
    assert next_reminder(told(once, Step.PARTIAL, MONDAY + 2 * DAY)) == MONDAY + 5 * DAY
    for step in (Step.DONE, Step.OPTED_OUT):
        assert next_reminder(told(once, step, MONDAY + 2 * DAY)) is None
    assert next_reminder(bounced(once, SMS, MONDAY + 2 * DAY)) is None
    # Whoever slept through both sends one.
    assert reminded(one, MONDAY + 6 * DAY).reminded == 2
    assert next_reminder(reminded(one, MONDAY + 6 * DAY)) is None


def test_links_end_with_a_local_day() -> None:
    late = datetime(2026, 3, 2, 22, tzinfo=UTC)  # the third in Moscow
    assert expires_at(late, 0, "Europe/Moscow") == datetime(2026, 3, 3, 21, tzinfo=UTC)
    assert expires_at(late, 14, "Europe/Moscow") == datetime(2026, 3, 17, 21, tzinfo=UTC)
    # Clocks go forward in between.
    assert expires_at(late, 30, "Europe/Berlin") == datetime(2026, 4, 1, 22, tzinfo=UTC)
    assert month_of(datetime(2026, 3, 31, 21, tzinfo=UTC), "Europe/Moscow") == "2026-04"


def test_a_quota_counts_by_branch_and_month_where_it_says_so() -> None:
    assert Quota(Counted.ANSWERS, 5).key("omsk", "2026-03") == "answers/all/ever"
    monthly = Quota(Counted.INVITATIONS, 5, by_branch=True, monthly=True)
    assert monthly.key("omsk", "2026-03") == "invitations/branch=omsk/2026-03"
    assert monthly.key(None, "2026-03") == "invitations/none/2026-03"


@pytest.mark.parametrize(
    "wrong",
    [
        {"channels": ()},
        {"channels": (SMS, SMS)},
        {"filters": {"weather": ("rain",)}},
        {"filters": {"branch": ()}},
        {"reminders": (2 * DAY, DAY)},
        {"reminders": (14 * DAY,)},
        {"quotas": (Quota(Counted.ANSWERS, 1), Quota(Counted.ANSWERS, 2))},
    ],
)
def test_what_makes_no_programme_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadProgramme):
        checked(a_programme(**wrong))


def test_a_contact_that_goes_on_or_came_by_the_heads_line_is_no_occasion() -> None:
    def at(**said: Any) -> datetime | None:
        usual: dict[str, Any] = {
            "source": UUID(int=1),
            "channel": Channel.CALL,
            "direction": Direction.IN,
            "ended_at": MONDAY,
        }
        return occasion_of(UUID(int=2), Contact(**usual | said), void=False).at

    assert at() == MONDAY
    assert at(ended_at=None) is None
    assert at(ended_at=None, closed_at=MONDAY) == MONDAY
    assert at(open_since=MONDAY) is None
    assert at(head_line=True) is None
    with pytest.raises(KeyError):
        occasion_of(UUID(int=2), SurveyFact(template="nps", created_at=MONDAY), void=False)


def test_what_is_too_old_to_matter_is_forgotten() -> None:
    recent, old = asked(700 * DAY), asked(731 * DAY)
    assert remembered([recent, old, recent], MONDAY) == (recent,)


def test_a_link_is_of_use_until_it_ends_is_full_or_taken_back() -> None:
    def link(**said: Any) -> Link:
        usual: dict[str, Any] = {
            "id": UUID(int=1),
            "kind": LinkKind.ANONYMOUS,
            "survey": UUID(int=2),
        }
        return Link(**usual | {"language": "ru", "expires_at": MONDAY} | said)

    before = MONDAY - HOUR
    assert usable(link(most=3, used=2), before).used == 2
    assert usable(link(expires_at=None), MONDAY).expires_at is None
    for wrong, now in (
        (None, before),
        (link(), MONDAY),
        (link(most=3, used=3), before),
        (link(withdrawn=True), before),
    ):
        with pytest.raises(LinkNotValid):
            usable(wrong, now)


def test_tokens_are_long_and_of_one_company_and_link() -> None:
    one, two = uuid4(), uuid4()
    tokens = {
        link_token(master, tenant, link)
        for master in (b"a" * 32, b"b" * 32)
        for tenant in ("demo2abc", "other222")
        for link in (one, two)
    }
    assert len(tokens) == 8
    assert {len(token) for token in tokens} == {28}  # 168 bits
    assert link_token(b"a" * 32, "demo2abc", one) == link_token(b"a" * 32, "demo2abc", one)
    assert len({linked_name(b"a" * 32, "demo2abc", one, own) for own in ("", "x", "y")}) == 3
    assert linked_name(b"a" * 32, "demo2abc", one) not in tokens
    assert all(len(link_digest(token)) == 32 for token in tokens)
