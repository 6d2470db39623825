"""Which items are skipped most, in which period, and what is told of a checklist."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_common.events.contact_center import Channel, Contact, Direction
from otklik_common.events.scripts import ScriptRun
from otklik_contact_center.domain.emission import Emitted
from otklik_contact_center.domain.period import USUAL, BadPeriod, period
from otklik_contact_center.domain.script.checklist import Kept
from otklik_contact_center.domain.script.choosing import About
from otklik_contact_center.domain.script.run import Written, about_of, fact_of, told
from otklik_contact_center.domain.script.script import Item
from otklik_contact_center.domain.script.skipped import MOST_DAYS, Counts, ranked

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CONTACT = Contact(
    source=UUID(int=1),
    channel=Channel.CALL,
    direction=Direction.IN,
    party="buyer",
    branch="tyumen",
    queue="sales",
)
ITEMS = [Item(code="a"), Item(code="b"), Item(code="c"), Item(code="tip", compulsory=False)]


def order(**found: tuple[int, int]) -> list[str]:
    counts = {code: Counts(done, missed) for code, (done, missed) in found.items()}
    return [one.item.code for one in ranked(ITEMS, counts)]


def test_the_largest_share_comes_first_and_not_the_largest_number() -> None:
    assert order(a=(90, 10), b=(1, 1), c=(10, 0)) == ["b", "a", "c", "tip"]
    assert order(c=(0, 1), b=(0, 1), tip=(0, 9)) == ["b", "c", "a", "tip"]


def test_what_was_never_asked_has_no_share_and_comes_behind() -> None:
    (last,) = (one for one in ranked(ITEMS, {"a": Counts(0, 0, 5)}) if one.item.code == "a")
    assert last.share is None
    assert order(b=(1, 0)) == ["b", "a", "c", "tip"]


@given(
    st.dictionaries(
        st.sampled_from([one.code for one in ITEMS]),
        st.builds(Counts, *[st.integers(0, 5)] * 3),
    )
)
def test_every_item_is_ranked_once(found: dict[str, Counts]) -> None:
    every = ranked(ITEMS, found)
    assert sorted(one.item.code for one in every) == sorted(one.code for one in ITEMS)
    shares = [one.share for one in every if one.item.compulsory and one.share is not None]
    assert shares == sorted(shares, reverse=True)


def test_a_period_is_the_last_28_days_where_nobody_says() -> None:
    assert period(None, None, NOW, most_days=MOST_DAYS) == (NOW - USUAL, NOW)
    assert timedelta(days=28) == USUAL
    week = NOW - timedelta(days=7)
    assert period(None, week, NOW, most_days=MOST_DAYS) == (week - USUAL, week)
    assert period(week, None, NOW, most_days=MOST_DAYS) == (week, NOW)
    most = NOW - timedelta(days=MOST_DAYS)
    assert period(most, NOW, NOW, most_days=MOST_DAYS) == (most, NOW)
    for begins in (most - timedelta(seconds=1), NOW, NOW + timedelta(days=1)):
        with pytest.raises(BadPeriod):
            period(begins, NOW, NOW, most_days=MOST_DAYS)


def a_fact(corrected_at: datetime | None = None) -> ScriptRun:
    written = Written("buyers", 2, NOW, corrected_at)
    kept = Kept(3, 2, ("need",), complete=True)
    return fact_of(UUID(int=7), CONTACT, "petrova", written, kept)


def test_a_fact_says_whose_contact_it_was_and_what_was_missed() -> None:
    fact = a_fact()
    assert (fact.contact, fact.branch, fact.queue, fact.agent) == (
        UUID(int=7),
        "tyumen",
        "sales",
        "petrova",
    )
    assert (fact.script, fact.script_version, fact.asked, fact.done, fact.missed) == (
        "buyers",
        2,
        3,
        2,
        ("need",),
    )
    assert about_of(CONTACT) == About("buyer", "in", "call", "sales")


def test_a_checklist_is_filled_then_corrected_then_withdrawn_and_may_come_back() -> None:
    verbs, known = [], None
    for fact in (a_fact(), a_fact(NOW), None, a_fact()):
        new = told("aaaaaaaa", UUID(int=7), known, fact, NOW)
        assert new is not None
        known = new.step.emitted
        verbs.append((new.announcement.payload.split(b".v1")[0].split(b".")[-1], known.revision))
        assert known.void is (fact is None)
    assert verbs == [(b"filled", 1), (b"corrected", 2), (b"withdrawn", 3), (b"filled", 4)]


def test_what_others_know_is_not_told_again() -> None:
    first = told("aaaaaaaa", UUID(int=7), None, a_fact(), NOW)
    assert first is not None
    assert told("aaaaaaaa", UUID(int=7), first.step.emitted, a_fact(), NOW) is None
    gone = Emitted(2, b"", void=True, data=b"{}")
    assert told("aaaaaaaa", UUID(int=7), gone, None, NOW) is None
