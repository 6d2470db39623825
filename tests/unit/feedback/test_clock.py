"""The clocks of claims and reviews: what holds for each, and what it shows."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from otklik_common.clocks.calendar import ALWAYS, Calendar, Rules
from otklik_common.clocks.hours import Window
from otklik_common.clocks.policies import ALWAYS as EVER
from otklik_common.clocks.policies import CLAIM, REVIEW, Policies, Policy, Promise, Terms
from otklik_common.clocks.shown import stepped
from otklik_common.events.feedback_clocks import FeedbackClock
from otklik_feedback.domain.clock import (
    NEVER,
    ClockFact,
    Kept,
    Own,
    Watch,
    Watched,
    clocks,
    packed,
    read,
    rendered,
    unpacked,
)

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NINE_TO_SIX = (Window(540, 1080),)
OFFICE = Calendar((Rules(ALWAYS, "UTC", (*(NINE_TO_SIX,) * 5, (), ())),))
TEN_TO_TWO = Calendar((Rules(ALWAYS, "UTC", ((Window(600, 840),),) * 7),))
TENANT = "demo2abc"
NORM = Own(24 * HOUR, 4 * HOUR)


def policies(*promises: tuple[str, Promise], code: str = "care", **more: object) -> Policies:
    terms = Terms(EVER, 10, promises=dict(promises))
    return Policies(
        [Policy(code, [terms])],
        calendars={"office": OFFICE, "shop": TEN_TO_TWO},
        default="office",
        branch_calendars={"tyumen": "shop"},
        **more,  # type: ignore[arg-type]
    )


def matter(*watches: Watch, about: str = CLAIM, **more: str) -> Watched:
    return Watched(matter=UUID(int=7), about=about, watches=watches, **more)  # type: ignore[arg-type]


def made(
    watched: Watched, promised: Policies | None = None, *, at: datetime = MONDAY
) -> list[Kept]:
    return list(clocks(TENANT, watched, promised or Policies(), now=at, known={}))


def only(watched: Watched, promised: Policies | None = None, *, at: datetime = MONDAY) -> ClockFact:
    (kept,) = made(watched, promised, at=at)
    return kept.shown.fact


def test_without_a_policy_the_norm_holds_and_without_a_norm_nothing_does() -> None:
    fact = only(matter(Watch("claim_answer", MONDAY, own=NORM)))
    assert (fact.policy, fact.priority, fact.calendar) == (None, None, None)
    assert fact.due_at == MONDAY + DAY
    assert made(matter(Watch("claim_reaction", MONDAY))) == []
    assert made(matter(Watch("review_reply", MONDAY), about=REVIEW)) == []


def test_a_policy_takes_the_place_of_the_norm_and_never_that_of_the_law() -> None:
    promise = Promise(2 * HOUR, business=False)
    promised = policies(("claim_answer", promise), ("claim_term", promise))
    assert only(matter(Watch("claim_answer", MONDAY, own=NORM)), promised).policy == "care"
    law = Own(10 * DAY, law=True)
    fact = only(matter(Watch("claim_term", MONDAY, own=law)), promised)
    assert (fact.policy, fact.due_at) == (None, MONDAY + 10 * DAY)


def test_what_a_policy_of_claims_does_not_promise_is_left_to_the_norm() -> None:
    promised = policies(("claim_reaction", Promise(HOUR, business=False)))
    assert only(matter(Watch("claim_answer", MONDAY, own=NORM)), promised).policy is None


def test_policies_of_claims_are_not_asked_about_reviews() -> None:
    promised = policies(("claim_reaction", Promise(HOUR, business=False)))
    assert made(matter(Watch("review_reply", MONDAY), about=REVIEW), promised) == []


def test_without_a_branch_the_calendar_of_the_company_counts() -> None:
    promised = policies(("claim_reaction", Promise(2 * HOUR)))
    watch = Watch("claim_reaction", MONDAY)
    nowhere, there = only(matter(watch), promised), only(matter(watch, branch="tyumen"), promised)
    assert (nowhere.calendar, nowhere.due_at) == ("office", MONDAY + 2 * HOUR)
    assert (there.calendar, there.due_at) == ("shop", MONDAY + 3 * HOUR)


def test_a_clock_stops_is_cancelled_or_breaks() -> None:
    def state(ended: timedelta | None, *, cancelled: bool = False) -> str:
        end = None if ended is None else MONDAY + ended
        watch = Watch("claim_answer", MONDAY, end, cancelled, own=NORM)
        return only(matter(watch), at=MONDAY + 30 * HOUR).state

    assert state(24 * HOUR) == "achieved"
    assert state(24 * HOUR + timedelta.resolution) == "breached"
    assert state(HOUR, cancelled=True) == "cancelled"
    assert state(25 * HOUR, cancelled=True) == "breached"
    assert state(None) == "breaching"


def test_a_matter_is_over_when_all_of_its_clocks_are() -> None:
    first = Watch("claim_answer", MONDAY, MONDAY + HOUR)
    second = Watch("claim_term", MONDAY, MONDAY + DAY)
    assert matter().over_at == NEVER
    assert matter(first, Watch("claim_term", MONDAY)).over_at is None
    assert matter(first, second).over_at == MONDAY + DAY


@given(
    looks=st.lists(st.integers(0, 60), min_size=1, max_size=5).map(sorted),
    warning=st.integers(0, 24),
    ended=st.one_of(st.none(), st.integers(0, 60)),
)
def test_a_clock_that_was_stepped_shows_what_one_made_then_would(
    looks: list[int], warning: int, ended: int | None
) -> None:
    end = None if ended is None else MONDAY + ended * HOUR
    watch = Watch("claim_answer", MONDAY, end, own=Own(24 * HOUR, warning * HOUR))
    (kept,) = made(matter(watch), at=MONDAY)
    shown = kept.shown
    for hours in looks:
        now = MONDAY + hours * HOUR
        while (following := stepped(shown, now)) != shown:
            shown = following
        (anew,) = made(matter(watch), at=now)
        assert shown == anew.shown


def test_what_is_kept_comes_back_and_keeps_the_contract() -> None:
    promised = policies(("claim_reaction", Promise(HOUR, warning=HOUR / 2)))
    watched = matter(
        Watch("claim_reaction", MONDAY, MONDAY + 2 * HOUR, key="1"),
        Watch("claim_answer", MONDAY, own=NORM),
        branch="perm",
        agent="petrova",
    )
    assert unpacked(packed(watched)) == watched
    facts = [kept.shown.fact for kept in made(watched, promised)]
    assert [read(rendered(fact)) for fact in facts] == facts
    assert [fact.told().model_dump() for fact in facts] == [
        FeedbackClock.model_validate_json(rendered(fact)).model_dump() for fact in facts
    ]
    assert ClockFact.__struct_fields__ == tuple(FeedbackClock.model_fields)
