"""What the steps of a programme show of a request, one by one and many at once."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otklik_common.clocks.calendar import ALWAYS, Calendar, Rules
from otklik_common.clocks.hours import Window
from otklik_common.clocks.policies import Policies
from otklik_contact_center.domain.pace.pacing import (
    Paced,
    Programmes,
    State,
    Times,
    Walk,
    measured,
    paced,
)
from otklik_contact_center.domain.pace.programme import PROCESS, Programme, Step, Terms
from otklik_contact_center.domain.pace.shares import By, OfVersion, units_of

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
NINE_TO_SIX = (Window(540, 1080),)
OFFICE = Calendar((Rules(ALWAYS, "UTC", (*(NINE_TO_SIX,) * 5, (), ())),))
NIGHTS = Calendar((Rules(ALWAYS, "UTC", ((Window(0, 360),),) * 7),))
COMPANY = Policies(
    calendars={"office": OFFICE, "nights": NIGHTS},
    default="office",
    branch_calendars={"perm": "nights"},
    groups={"tyumen": frozenset({"own"}), "perm": frozenset({"franchise"})},
)
LONG_AGO = MONDAY - 400 * DAY
STEPS = (
    Step("created", "contacted", 3600),
    Step("contacted", "showing", 3 * 86400, business=False),
    Step("contacted", "own:photo", 16 * 3600),
    Step("own:photo", "own:published", 8 * 3600),
)


def a_programme(code: str = "a", *terms: Terms, **more: Any) -> Programme:
    said = {"since": LONG_AGO, "priority": 1, "steps": STEPS, **more}
    return Programme(code, terms or (Terms(**said),))


def programmes(*told: Programme, of: Policies = COMPANY) -> Programmes:
    return Programmes(told or (a_programme(),), of)


def a_walk(**more: Any) -> Walk:
    return Walk(**{"channel": "call", "created_at": MONDAY, "branch": "tyumen", **more})


def shown(walk: Walk, now: datetime, by: Programmes | None = None) -> list[Paced]:
    by = by or programmes()
    chosen = by.chosen(walk)
    assert chosen is not None
    return paced(walk, chosen, by, now)


def states(walk: Walk, now: datetime, by: Programmes | None = None) -> list[str]:
    return [one.state.value for one in shown(walk, now, by)]


def test_exactly_the_time_is_on_time_and_a_microsecond_more_is_late() -> None:
    due = MONDAY + HOUR
    assert states(a_walk(contacted_at=due), due)[0] == "on_time"
    more = due + timedelta(microseconds=1)
    assert states(a_walk(contacted_at=more), more)[0] == "late"
    assert states(a_walk(), due)[0] == "running"
    assert states(a_walk(), more)[0] == "running_late"


@given(st.integers(1, 9 * 60 * 3), st.sampled_from((-1, 0, 1)), st.booleans(), st.booleans())
def test_around_the_due_time_many_show_what_each_shows(
    minutes: int, microseconds: int, business: bool, done: bool
) -> None:
    by = programmes(a_programme(steps=(Step("created", "contacted", minutes * 60, business),)))
    due = shown(a_walk(), MONDAY, by)[0].due_at
    assert due is not None
    at = due + timedelta(microseconds=microseconds)
    walk = a_walk(contacted_at=at if done else None)
    (many,) = measured([walk], "a", by, at)
    assert many.states == [one.state for one in shown(walk, at, by)]
    # At the end of a day a microsecond more is the night's, and the clock stands.
    late = microseconds > 0 and (not business or minutes % (9 * 60))
    good, bad = (State.ON_TIME, State.LATE) if done else (State.RUNNING, State.RUNNING_LATE)
    assert many.states == [bad if late else good]


def test_a_step_begins_when_what_it_leads_from_is_made() -> None:
    told = shown(a_walk(contacted_at=MONDAY + 2 * HOUR), MONDAY + DAY)
    assert [one.state for one in told] == [
        State.LATE, State.RUNNING, State.RUNNING, State.NOT_BEGUN,
    ]  # fmt: skip
    assert told[1].began_at == MONDAY + 2 * HOUR
    assert told[1].due_at == MONDAY + 2 * HOUR + 3 * DAY
    # Seven hours of Monday, then nine of Tuesday.
    assert told[2].due_at == MONDAY + DAY + 9 * HOUR
    assert told[3] == Paced(State.NOT_BEGUN, None, None, None)


def test_own_steps_have_their_times() -> None:
    photo, published = MONDAY + DAY, MONDAY + DAY + 8 * HOUR
    walk = a_walk(contacted_at=MONDAY, own={"photo": photo, "published": published})
    assert states(walk, published)[2:] == ["on_time", "on_time"]
    walk = a_walk(contacted_at=MONDAY, own={"photo": MONDAY - 5 * DAY})
    assert shown(walk, MONDAY + 9 * HOUR)[3].began_at == MONDAY, "not before the request"
    assert states(walk, MONDAY + 9 * HOUR)[3] == "running_late"


def test_who_came_to_a_later_step_came_to_this_one() -> None:
    walk = a_walk(contacted_at=MONDAY, dealt_at=MONDAY + 2 * DAY)
    one = shown(walk, MONDAY + 9 * DAY)[1]
    assert (one.state, one.done_at) == (State.ON_TIME, MONDAY + 2 * DAY)


def test_closing_ends_what_runs_and_mends_nothing() -> None:
    by = programmes(a_programme(steps=STEPS[1:2]))
    for days, found in ((2, "over"), (4, "late")):
        walk = a_walk(contacted_at=MONDAY, closed_at=MONDAY + days * DAY)
        assert states(walk, MONDAY + 9 * DAY, by) == [found]
    both = a_walk(contacted_at=MONDAY, shown_at=MONDAY + DAY, closed_at=MONDAY + DAY)
    assert states(both, MONDAY + 9 * DAY, by) == ["on_time"]


def test_business_time_is_that_of_the_branch_else_of_the_company() -> None:
    assert shown(a_walk(branch=None), MONDAY)[0].due_at == MONDAY + HOUR
    assert shown(a_walk(branch="perm"), MONDAY)[0].due_at == MONDAY + 16 * HOUR
    by = programmes(of=Policies())
    told = shown(a_walk(contacted_at=MONDAY), MONDAY, by)
    assert [one.state for one in told] == ["unknown", "running", "unknown", "not_begun"]
    assert (told[0].due_at, told[0].done_at) == (None, MONDAY)


def test_a_request_keeps_the_terms_of_when_it_began() -> None:
    short = Terms(MONDAY, 1, (Step("created", "deal", 60, business=False),))
    by = programmes(a_programme("a", Terms(LONG_AGO, 1, STEPS), short))
    before, after = a_walk(created_at=MONDAY - SECOND), a_walk()
    versions = [chosen.version for one in (before, after) if (chosen := by.chosen(one))]
    assert versions == [1, 2]
    assert (len(states(before, MONDAY, by)), len(states(after, MONDAY, by))) == (4, 1)
    assert by.chosen(a_walk(created_at=LONG_AGO - SECOND)) is None


def test_the_lowest_priority_that_fits_holds() -> None:
    by = programmes(
        a_programme("sellers", priority=1, parties=("seller",)),
        a_programme("own", priority=2, groups=("own",), channels=("call",)),
        a_programme("perm", priority=3, branches=("perm",)),
    )

    def code(**more: Any) -> str | None:
        chosen = by.chosen(a_walk(**more))
        return None if chosen is None else chosen.programme.code

    assert code(party="seller") == "sellers"
    assert code() == "own"
    assert code(branch="perm") == "perm"
    assert code(channel="chat") is None
    assert code(head_line=True) is None
    assert code(branch=None) is None


MOMENTS = st.lists(st.none() | st.integers(0, 9), min_size=6, max_size=6)


@given(MOMENTS)
def test_a_step_is_behind_since_it_or_any_later_one_was_made(hours: list[int | None]) -> None:
    made = [MONDAY, *(None if one is None else MONDAY + one * HOUR for one in hours)]
    fields = ("assigned", "attempted", "contacted", "qualified", "shown", "dealt")
    said = zip(fields, made[1:], strict=True)
    times = Times(a_walk(**{f"{name}_at": at for name, at in said}))
    for place, step in enumerate(PROCESS):
        later = [at for at in made[place:] if at is not None]
        assert times.at(step) == made[place]
        assert times.by(step) == min(later, default=None)


NAMES = ("created", "assigned", "attempted", "contacted", "qualified", "showing", "deal", "own:a")
PAIRS = [
    (start, end)
    for place, start in enumerate(NAMES)
    for end in NAMES[place + 1 :]
] + [("own:a", "deal"), ("own:a", "own:b")]  # fmt: skip
SOME_STEPS = st.lists(
    st.builds(
        lambda pair, minutes, business: Step(pair[0], pair[1], minutes * 60, business),
        st.sampled_from(PAIRS),
        st.integers(1, 9 * 60 * 4),
        st.booleans(),
    ),
    min_size=1,
    max_size=5,
).map(tuple)
MOMENT = st.integers(-600, 20_000).map(lambda n: MONDAY + n * timedelta(minutes=3))
MAYBE = st.none() | MOMENT
WALKS = st.builds(
    Walk,
    channel=st.sampled_from(("call", "chat")),
    created_at=MOMENT,
    branch=st.sampled_from((None, "tyumen", "perm", "unknown")),
    assigned_at=MAYBE,
    attempted_at=MAYBE,
    contacted_at=MAYBE,
    qualified_at=MAYBE,
    shown_at=MAYBE,
    dealt_at=MAYBE,
    closed_at=MAYBE,
    own=st.dictionaries(st.sampled_from("ab"), MOMENT),
)


@settings(deadline=None)
@given(st.lists(WALKS, max_size=8), SOME_STEPS, SOME_STEPS, MOMENT, st.booleans())
def test_many_at_once_show_what_each_shows_by_itself(
    walks: list[Walk],
    first: tuple[Step, ...],
    second: tuple[Step, ...],
    now: datetime,
    has_calendar: bool,
) -> None:
    told = (
        a_programme("a", Terms(LONG_AGO, 1, first), Terms(MONDAY + 3 * DAY, 1, second)),
        a_programme("b", priority=2, channels=("chat",)),
    )
    by = programmes(*told, of=COMPANY if has_calendar else Policies())
    found = {one.place: one for one in measured(walks, "a", by, now)}
    for place, walk in enumerate(walks):
        chosen = by.chosen(walk)
        if chosen is None or chosen.programme.code != "a":
            assert place not in found
        else:
            alone = [one.state for one in paced(walk, chosen, by, now)]
            assert found[place].states == alone


def test_shares_leave_out_who_still_has_time() -> None:
    one = OfVersion(1, Terms(LONG_AGO, 1, STEPS[:1]))
    for state in State:
        one.count([state], ["perm"])
    one.count([State.ON_TIME], [])
    assert one.requests == len(State) + 1
    assert (one.all[0].kept, one.all[0].late, one.all[0].share) == (2, 2, 0.5)
    assert one.units["perm"][0].share == pytest.approx(1 / 3)
    assert OfVersion(1, Terms(LONG_AGO, 1, STEPS)).all[0].share is None


def test_a_request_belongs_to_its_branch_its_groups_and_its_month() -> None:
    east = timezone(timedelta(hours=5))
    groups = {"perm": ("franchise", "ural")}
    night = datetime(2026, 2, 28, 20, tzinfo=UTC)

    def units(by: By, branch: str | None = "perm") -> tuple[str, ...]:
        return units_of(by, branch, night, groups=groups, zone=east)

    assert units(By.BRANCH) == ("perm",)
    assert units(By.GROUP) == ("franchise", "ural")
    assert units(By.MONTH) == units(By.MONTH, None) == ("2026-03",)
    assert units(By.BRANCH, None) == units(By.GROUP, None) == units(By.GROUP, "tula") == ()
