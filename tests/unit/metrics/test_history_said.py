"""Which revisions of a batch are found by their time and person, and which by one before."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from otklik_common.reading import ReadEvent
from otklik_metrics.store.history import Said

START = datetime(2026, 2, 28, 23, 59, tzinfo=UTC)
MOMENTS = [START + timedelta(seconds=20 * n) for n in range(9)]

revisions = st.tuples(
    st.sampled_from(["one23456", "two23456"]),
    st.integers(1, 2),
    st.sampled_from([*MOMENTS[:2], None]),
    st.sampled_from(["ph1_a", "ph1_b", ""]),
    st.sampled_from(MOMENTS),
)
Revision = tuple[str, int, datetime | None, str, datetime]


def heard(tenant: str, subject: int, recorded_at: datetime) -> ReadEvent:
    """A revision."""
    place = b"", "otklik.contact-center", 0, 0
    of = tenant, "contact", "changed", 1, UUID(int=subject), 1, 1, False
    return ReadEvent(*of, recorded_at, recorded_at, *place)


@given(st.lists(revisions, max_size=12))
def test_whatever_was_said_before_a_moment_is_found_by_some_revision_before_it(
    story: list[Revision],
) -> None:
    said = Said()
    marks = [said.is_new(heard(one[0], one[1], one[4]), one[2], one[3]) for one in story]
    for moment in MOMENTS:
        for month in (2, 3):  # each partition is found by itself
            here = [
                (one[:4], mark)
                for one, mark in zip(story, marks, strict=True)
                if one[4] < moment and one[4].month == month
            ]
            assert {said for said, _ in here} == {said for said, mark in here if mark}


def test_what_is_said_again_is_found_once() -> None:
    said, at = Said(), MOMENTS[0]
    event = heard("one23456", 1, MOMENTS[1])
    assert said.is_new(event, at, "ph1_a")
    assert not said.is_new(heard("one23456", 1, MOMENTS[2]), at, "ph1_a")
    assert said.is_new(heard("one23456", 1, MOMENTS[2]), at, "ph1_b")
    assert said.is_new(heard("one23456", 1, MOMENTS[2]), at, "ph1_a"), "the last thing counts"
    assert Said().is_new(event, at, "ph1_a"), "each batch begins anew"


def test_a_month_is_that_of_the_partition_whatever_the_zone_says() -> None:
    said, at = Said(), MOMENTS[0]
    assert said.is_new(heard("one23456", 1, datetime(2026, 3, 1, 2, 0, tzinfo=UTC)), at, "")
    moscow = datetime.fromisoformat("2026-04-01T02:30:00+03:00")  # still March in UTC
    assert not said.is_new(heard("one23456", 1, moscow), at, "")
    assert said.is_new(heard("one23456", 1, moscow + timedelta(hours=1)), at, "")
