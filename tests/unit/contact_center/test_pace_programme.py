"""What a pace programme may say, and how an edit leaves requests of the past as they were."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_common.errors import Conflict, Unprocessable
from otklik_contact_center.domain.pace.presets import PRESETS
from otklik_contact_center.domain.pace.programme import (
    MOST_EVER,
    MOST_PROGRAMMES,
    MOST_STEPS,
    MOST_TERMS,
    PROCESS,
    BadProgramme,
    Programme,
    Step,
    Terms,
    check_priority,
    check_steps,
    edited,
    ended,
)

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
CALL = Step("created", "contacted", 3600)


def terms(days: float = 0, priority: int = 1, **more: Any) -> Terms:
    return Terms(**{"since": START + days * DAY, "priority": priority, "steps": (CALL,), **more})


def put(known: Programme | None, said: Terms, code: str = "a") -> Programme:
    return edited(known, code, said, names={}, about={})


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([], "1 to 20 steps, not 0"),
        ([Step("created", f"own:s{n}", 1) for n in range(MOST_STEPS + 1)], "not 21"),
        ([Step("created", "showng", 1)], "step 1: there is no showng"),
        ([CALL, Step("own:", "deal", 1)], "step 2: there is no own:"),
        ([Step("showing", "showing", 1)], "from showing to itself"),
        ([Step("own:photo", "own:photo", 1)], "from own:photo to itself"),
        ([Step("deal", "showing", 1)], "showing comes before deal"),
        ([Step("own:photo", "created", 1)], "leads back"),
        ([CALL, CALL], "step 2: from created to contacted has a time already"),
    ],
)
def test_steps_that_nobody_could_walk_are_refused(steps: list[Step], words: str) -> None:
    with pytest.raises(BadProgramme, match=words) as refused:
        check_steps(steps)
    assert refused.value.code == "bad_programme"


def test_as_many_steps_as_may_be_are_taken_and_own_ones_go_anywhere() -> None:
    check_steps([Step("created", f"own:s{n}", 1) for n in range(MOST_STEPS)])
    check_steps([Step("own:photo", name, 1) for name in PROCESS[1:]])
    check_steps([Step("deal", "own:keys", 1), Step("own:a", "own:b", 1), Step("own:b", "own:a", 1)])


def test_an_edit_leaves_what_was_said_before() -> None:
    first = put(None, terms())
    second = put(first, terms(2, steps=(Step("created", "deal", 60),)))
    assert [one.since for one in second.terms] == [START, START + 2 * DAY]
    assert put(second, terms(3, steps=(Step("created", "deal", 60),))) == second
    # What was to come later gives way.
    assert [one.since for one in put(second, terms(1, priority=9)).terms] == [START, START + DAY]


def test_one_that_ends_is_for_nobody_from_then_on_and_may_come_back() -> None:
    over = ended(put(None, terms()), START + DAY)
    assert [one.active for one in over.terms] == [True, False]
    assert ended(over, START + 2 * DAY) == over
    assert [one.active for one in put(over, terms(2)).terms] == [True, False, True]


def test_it_changes_only_so_often() -> None:
    known = None
    for number in range(MOST_TERMS):
        known = put(known, terms(number, priority=1 + number))
    with pytest.raises(Unprocessable) as refused:
        put(known, terms(MOST_TERMS, priority=999))
    assert refused.value.code == "too_many_terms"


def test_two_never_have_one_priority_at_one_time() -> None:
    first, second = put(None, terms(), "a"), put(None, terms(1), "b")
    with pytest.raises(Conflict, match=r"the programme a has priority 1 already.*2 is free"):
        check_priority(second, [first])
    check_priority(first, [first])
    check_priority(second, [ended(first, START + DAY)])
    with pytest.raises(Conflict):
        check_priority(put(None, terms(0.5), "b"), [ended(first, START + DAY)])


def test_a_company_has_so_many_and_those_that_ended_do_not_count() -> None:
    others = [put(None, terms(priority=10 + n), f"p{n}") for n in range(MOST_PROGRAMMES)]
    mine = put(None, terms(1), "mine")
    with pytest.raises(Unprocessable) as refused:
        check_priority(mine, others)
    assert refused.value.code == "too_many_programmes"
    check_priority(mine, [ended(others[0], START + DAY), *others[1:]])


def test_those_that_ended_are_kept_up_to_a_number() -> None:
    past = [
        ended(put(None, terms(priority=10 + n), f"p{n}"), START + DAY) for n in range(MOST_EVER)
    ]
    mine = put(None, terms(1), "mine")
    with pytest.raises(Unprocessable) as refused:
        check_priority(mine, past)
    assert refused.value.code == "too_many_programmes"
    check_priority(mine, past[1:])


EDITS = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 3)), min_size=1, max_size=12)


@given(EDITS)
def test_the_past_of_an_edit_is_never_touched(edits: list[tuple[int, int]]) -> None:
    known: Programme | None = None
    for day, priority in edits:
        before, said = known, terms(day, priority)
        known = put(known, said)
        moments = [one.since for one in known.terms]
        assert moments == sorted(set(moments))
        for at in (START + n * DAY / 2 for n in range(20)):
            expected = said if at >= said.since else None if before is None else _at(before, at)
            found = _at(known, at)
            assert _without_since(found) == _without_since(expected)


def _at(programme: Programme, moment: datetime) -> Terms | None:
    return next((one for one in reversed(programme.terms) if one.since <= moment), None)


def _without_since(one: Terms | None) -> Terms | None:
    return None if one is None else msgspec.structs.replace(one, since=START)


def test_those_to_start_from_can_be_walked_and_differ_in_priority() -> None:
    for one in PRESETS:
        check_steps(one.steps)
        assert {*one.names, *one.about} == {"ru", "en"}
        assert all({*step.names} == {"ru", "en"} for step in one.steps)
    assert len({one.priority for one in PRESETS}) == len({one.code for one in PRESETS}) == 3
