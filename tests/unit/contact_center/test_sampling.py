"""Samples for evaluation: fair, the same whoever asks, and never drawn anew."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.domain.quality.sampling import (
    Candidate,
    Coverage,
    Rule,
    coverage,
    last_week,
    picked,
    place,
    week_of,
)

KEY = bytes(range(32))
MOSCOW = ZoneInfo("Europe/Moscow")


def a_rule(**more: int) -> Rule:
    return Rule(code="weekly", form="sales", **more)  # type: ignore[arg-type]


candidates = st.lists(
    st.builds(
        Candidate,
        st.uuids(),
        st.sampled_from(("petrova", "orlova", "sidorov")),
    ),
    max_size=60,
    unique_by=lambda one: one.contact,
)


@given(candidates, st.integers(1, 8), st.randoms())
def test_each_agent_gives_so_many_whatever_the_order(
    known: list[Candidate], n: int, dice: Random
) -> None:
    found = picked(a_rule(per_agent=n), KEY, known)
    shuffled = dice.sample(known, len(known))
    assert picked(a_rule(per_agent=n), KEY, shuffled) == found
    for agent in {one.agent for one in known}:
        mine = {one.contact for one in known if one.agent == agent}
        assert len(found & mine) == min(n, len(mine))
        assert picked(a_rule(per_agent=n), KEY, [one for one in known if one.agent == agent]) == (
            found & mine
        )


@given(candidates, st.integers(1, 99))
def test_more_is_asked_for_beside_what_was_and_not_instead(known: list[Candidate], n: int) -> None:
    assert picked(a_rule(per_agent=n), KEY, known) <= picked(a_rule(per_agent=n + 1), KEY, known)
    assert picked(a_rule(percent=n), KEY, known) <= picked(a_rule(percent=n + 1), KEY, known)
    everybody = {one.contact for one in known}
    assert picked(a_rule(percent=100), KEY, known) == everybody


@given(candidates, candidates, st.integers(1, 100))
def test_by_a_share_what_comes_later_changes_nothing_of_what_was_picked(
    first: list[Candidate], later: list[Candidate], percent: int
) -> None:
    both = {one.contact: one for one in (*later, *first)}.values()
    found = picked(a_rule(percent=percent), KEY, both)
    assert picked(a_rule(percent=percent), KEY, first) == found & {one.contact for one in first}


def test_each_contact_is_picked_as_often_as_any_other() -> None:
    dice = Random(7)
    known = [Candidate(UUID(int=dice.getrandbits(128)), "petrova") for _ in range(20)]
    keys = [dice.randbytes(32) for _ in range(4_000)]
    by_count = [picked(a_rule(per_agent=5), key, known) for key in keys]
    by_share = [picked(a_rule(percent=25), key, known) for key in keys]
    for times in (by_count, by_share):
        often = [sum(one.contact in found for found in times) for one in known]
        # 1,000 expected, with a deviation of 27: five of them either way.
        assert all(860 <= n <= 1_140 for n in often), often


def test_places_under_another_key_are_others() -> None:
    contact = UUID(int=1)
    assert place(KEY, contact) != place(bytes(32), contact)
    assert place(KEY, contact) == place(KEY, contact)


@pytest.mark.parametrize("percent", [1, 10, 50])
def test_a_share_is_about_that_share(percent: int) -> None:
    dice = Random(3)
    known = [Candidate(UUID(int=dice.getrandbits(128)), "petrova") for _ in range(20_000)]
    found = len(picked(a_rule(percent=percent), KEY, known))
    expected = 20_000 * percent / 100
    assert abs(found - expected) < 5 * expected**0.5


def test_a_week_is_from_monday_to_monday_where_the_company_is() -> None:
    week = week_of(date(2026, 3, 8), MOSCOW)
    assert week.monday == date(2026, 3, 2)
    assert week.begins == datetime(2026, 3, 1, 21, tzinfo=UTC)
    assert week.ends - week.begins == timedelta(days=7)
    spring = week_of(date(2026, 3, 29), ZoneInfo("Europe/Berlin"))
    assert spring.ends - spring.begins == timedelta(days=7, hours=-1)
    sunday = datetime(2026, 3, 8, 22, tzinfo=UTC)  # already Monday in Moscow
    assert last_week(sunday, MOSCOW).monday == date(2026, 3, 2)
    assert last_week(sunday - timedelta(hours=2), MOSCOW).monday == date(2026, 2, 23)


def test_coverage_tells_what_was_asked_for_from_what_was_done_besides() -> None:
    ids = [UUID(int=n) for n in range(5)]
    known = [Candidate(one, "petrova") for one in ids[:4]] + [Candidate(ids[4], "orlova")]
    found = coverage(
        known, frozenset((ids[0], ids[1], ids[2])), {ids[0]: True, ids[1]: False, ids[3]: True}
    )
    assert found == [
        Coverage("orlova", contacts=1),
        Coverage("petrova", contacts=4, wanted=3, evaluated=1, drafted=1, besides=1),
    ]
