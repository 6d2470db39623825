"""What only the facts of one person together can tell. Times are microseconds since 1970."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

NOBODY: Final = -1
"""The number of a person whom nobody knows: equal to no other, itself included."""

EVER: Final = np.iinfo(np.int64).max


def reached(
    person: Ints, since: Ints, until: Ints, *, reached_person: Ints, reached_at: Ints
) -> Flags:
    """
    Whether each person was in touch with us between two moments, both included.

    Args:
        person, since, until: One row a question; persons are numbers from 0, or NOBODY.
        reached_person, reached_at: One row a conversation.
    """
    if not len(reached_at):
        return np.zeros(len(person), dtype=np.bool_)
    times = np.unique(reached_at)
    width = len(times) + 1
    keys = np.sort(reached_person * width + np.searchsorted(times, reached_at))
    wanted = person * width + np.searchsorted(times, since, side="left")
    found = np.minimum(np.searchsorted(keys, wanted, side="left"), len(keys) - 1)
    first = keys[found]
    same = (first >= wanted) & (first // width == person) & (person != NOBODY)
    moments: Ints = times[np.minimum(first % width, len(times) - 1)]
    return np.asarray(same & (moments <= until))


def repeats(person: Ints, at: Ints, answered: Flags, window: int) -> tuple[Flags, Flags]:
    """
    Which contacts are first ones, and which of these were followed by another.

    A first contact is an answered one that no earlier first contact of the person reaches;
    every contact of the person within `window` after it, the last moment included, is its
    repeat, answered or not, and makes no first contact of its own.

    Args:
        person, at, answered: One row a contact, in the order of person and time; nobody's
            contacts are neither.
    Returns:
        Two flags a row.
    """
    first = np.zeros(len(at), dtype=np.bool_)
    repeated = np.zeros(len(at), dtype=np.bool_)
    anchor = -1
    for row, (who, moment, spoke) in enumerate(
        zip(person.tolist(), at.tolist(), answered.tolist(), strict=True)
    ):
        if who == NOBODY:
            continue
        if anchor >= 0 and person[anchor] == who and moment - at[anchor] <= window:
            repeated[anchor] = True
        elif spoke:
            anchor = row
            first[row] = True
    return first, repeated


def latest(group: Ints, person: Ints) -> Ints:
    """
    The rows that hold the last of each person in each group; all rows of nobody.

    Args:
        group, person: One row a fact, in the order of time.
    """
    seen: dict[tuple[int, int], int] = {}
    chosen: list[int] = []
    for row, (where, who) in enumerate(zip(group.tolist(), person.tolist(), strict=True)):
        if who == NOBODY:
            chosen.append(row)
        else:
            seen[where, who] = row
    return np.array(sorted([*chosen, *seen.values()]), dtype=np.int64)


def covered(starts: Ints, ends: Ints, edges: Sequence[int]) -> Ints:
    """
    How much of the time between consecutive edges some interval covers.

    Overlaps count once: with two chats side by side an agent is busy one hour an hour.

    Args:
        starts, ends: Intervals, in any order; an empty or reversed one covers nothing.
        edges: At least two, ascending.
    Returns:
        Microseconds, one number for each gap between edges.
    """
    marks = np.asarray(edges, dtype=np.int64)
    real = ends > starts
    if not real.any():
        return np.zeros(len(marks) - 1, dtype=np.int64)
    order = np.argsort(starts[real], kind="stable")
    begin, stop = starts[real][order], np.maximum.accumulate(ends[real][order])
    fresh = np.concatenate(([True], begin[1:] > stop[:-1]))
    begin = begin[fresh]
    stop = stop[np.concatenate((np.flatnonzero(fresh)[1:] - 1, [len(stop) - 1]))]
    before = np.concatenate(([0], np.cumsum(stop - begin)))
    index = np.searchsorted(begin, marks, side="right")
    inside = np.where(index > 0, np.minimum(marks, stop[index - 1]) - begin[index - 1], 0)
    reach = before[np.maximum(index - 1, 0)] + np.maximum(inside, 0)
    return np.diff(reach)
