"""Whatever replicas read and when: every record is taken in once, in order, none passed over."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from otklik_common.batch import Outcome, Part, choose
from otklik_common.log.port import Promised, Record, Watermark, reached
from otklik_common.log.table_reader import share

PLACE = ("otklik.probe", 3)
LENGTH = 40


def a_part(start: int, stop: int) -> Part:
    """Records from `start` to below `stop`, every fourth of them unreadable."""
    records = [Record(*PLACE, offset, "k", b"") for offset in range(start, stop)]
    return Part(PLACE, start, stop, records, [], [])


@dataclass
class Replica:
    """A reader as a log gives it: it goes on from where it was, or from where it is sent."""

    next: int = 0
    held: Part | None = None


# What happens: (which replica, what it does, how many records)
steps = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["fetch", "take", "take", "locked", "restart", "restore"]),
        st.integers(1, 9),
    ),
    max_size=80,
)


@given(steps)
def test_no_record_is_passed_over_or_taken_twice(story: list[tuple[int, str, int]]) -> None:
    replicas = [Replica() for _ in range(3)]
    taken: list[int] = []
    for who, what, size in story:
        replica = replicas[who]
        if what == "restart":
            replica.next, replica.held = len(taken), None
        elif what == "restore":
            del taken[max(0, len(taken) - size) :]
        elif what == "fetch" or replica.held is None:
            stop = min(LENGTH, replica.next + size)
            if replica.next < stop:
                replica.held = a_part(replica.next, stop)
                replica.next = stop
        else:
            outcome = Outcome()
            choose(replica.held, None if what == "locked" else len(taken), size, outcome)
            for part in outcome.parts:
                assert [record.offset for record in part.records] == list(
                    range(len(taken), part.next)
                )
                taken += [record.offset for record in part.records]
            assert outcome.positions.get(PLACE, len(taken)) == len(taken)
            replica.next, replica.held = outcome.rewinds.get(PLACE, replica.next), None
        assert taken == list(range(len(taken)))
    # Left alone, each of them reaches the end.
    for replica in replicas:
        for _ in range(3 * LENGTH):
            part = replica.held or a_part(replica.next, min(LENGTH, replica.next + 7))
            replica.next, replica.held = part.next, None
            outcome = Outcome()
            choose(part, len(taken), 5, outcome)
            taken += [record.offset for chosen in outcome.parts for record in chosen.records]
            replica.next = outcome.rewinds.get(PLACE, replica.next)
    assert taken == list(range(LENGTH))


@given(
    st.dictionaries(
        st.tuples(st.just("t"), st.integers(0, 11)), st.integers(1, 500), min_size=1, max_size=12
    ),
    st.integers(1, 1000),
)
def test_a_fetch_is_shared_out_evenly(behind: dict[tuple[str, int], int], most: int) -> None:
    taken = share(behind, most)
    assert sum(taken.values()) == min(most, sum(behind.values()))
    assert all(0 < count <= behind[at] for at, count in taken.items())
    cut = [count for at, count in taken.items() if count < behind[at]]
    whole = [count for at, count in taken.items() if count == behind[at]]
    # Who had to wait got as much as anybody else, but for the rounding.
    assert not cut or max(cut) - min(cut) <= 1
    assert not cut or not whole or min(cut) >= max(whole) - 1


NOW = datetime(2026, 3, 2, tzinfo=UTC)


def promises(second: int, *offsets: int) -> dict[tuple[str, int], Watermark]:
    """What a relay promises after some seconds, by partition."""
    moment = NOW + timedelta(seconds=second)
    return {("t", number): Watermark(offset, moment) for number, offset in enumerate(offsets)}


def test_a_reader_that_lags_still_reaches_older_promises() -> None:
    promised = Promised(2)
    behind = {("t", 0): 0, ("t", 1): 0}
    for second in range(10):
        assert promised.reached(promises(second, 5 * second + 1, 3), behind, "t") is None
    there = {("t", 0): 22, ("t", 1): 3}
    newest = promises(10, 100, 9)
    assert promised.reached(newest, there, "t") == NOW + timedelta(seconds=4)
    assert promised.reached(newest, {("t", 0): 100, ("t", 1): 9}, "t") == NOW + timedelta(
        seconds=10
    )


def test_promises_that_are_never_reached_fill_no_memory() -> None:
    promised = Promised(1, most=10)
    for second in range(1000):
        promised.reached(promises(second, second + 1), {("t", 0): 0}, "t")
    # The newest is always among those kept.
    assert promised.reached({}, {("t", 0): 1000}, "t") == NOW + timedelta(seconds=999)


def test_without_every_partition_nothing_is_reached() -> None:
    marks = promises(1, 5, 7)
    assert reached(marks, {("t", 0): 5, ("t", 1): 7}, "t", 2) == NOW + timedelta(seconds=1)
    assert reached(marks, {("t", 0): 5, ("t", 1): 6}, "t", 2) is None
    assert reached(marks, {("t", 0): 5, ("t", 1): 7}, "t", 3) is None
    assert reached(promises(1, 0, 0), {}, "t", 2) == NOW + timedelta(seconds=1)
