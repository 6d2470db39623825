"""What only people's facts together tell: read them, then judge those of each group."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, literal
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.clocks.zones import micros
from otklik_metrics.domain.budget import Budget
from otklik_metrics.domain.frames import HistoryFrame
from otklik_metrics.domain.indicators.people import (
    EVER,
    NOBODY,
    Ints,
    covered,
    latest,
    reached,
    repeats,
)
from otklik_metrics.domain.measures import MICRO, NPS_CATEGORIES
from otklik_metrics.domain.planner import Piece
from otklik_metrics.domain.query import Query
from otklik_metrics.domain.readings import Histories, Question
from otklik_metrics.store import query_histories
from otklik_metrics.store.query_facts import Source
from otklik_metrics.store.query_histories import Columns, Known, People, Rows
from otklik_metrics.store.query_terms import Column, micros_of

DAY_MICROS = 86_400_000_000
MISSED_WITHIN = DAY_MICROS
"""A missed contact is made good within 24 hours."""

Sources = Callable[[str, Sequence[str] | None], Awaitable[Source]]
Judge = Callable[[NDArray[np.int64]], Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class _Abandoned:
    """Contacts that nobody took, and the conversations with whoever made them."""

    rows: Rows
    since: Ints
    gone: Ints
    talked_to: Ints
    talked_at: Ints


@dataclass(frozen=True, slots=True)
class _Lives:
    """
    Contacts, and every contact of whoever made them, in the order of person and time.

    Attributes:
        place: Where each of `rows` stands among the others; one behind the last where it does not.
    """

    rows: Rows
    offered: Ints
    answered: NDArray[np.bool_]
    place: Ints
    person: Ints
    at: Ints
    spoke: NDArray[np.bool_]


class Asker:
    """
    Puts questions about people's histories to the facts of one kind in one piece of time.

    What several questions look at is read once.

    Args:
        known: Facts of the questions' kind, and whose each pseudonym is.
        sources: Facts of any kind over all time: those of some pseudonyms at least, or all.
        now: The moment that "now" means.
        budget: What may still be read for the query.
        days: The longest time in which a question counts a contact as a repeat.
    """

    def __init__(
        self,
        tx: AsyncConnection,
        query: Query,
        known: Known,
        sources: Sources,
        *,
        now: datetime,
        budget: Budget,
        days: int,
    ) -> None:
        self._tx = tx
        self._query = query
        self._known = known
        self._sources = sources
        self._now = now
        self._budget = budget
        self._days = days
        self._read_abandoned: _Abandoned | None = None
        self._read_lives: _Lives | None = None

    async def frame(self, asked: Histories, piece: Piece) -> HistoryFrame:
        """The facts that a question looks at, and how to judge them."""
        match asked.question:
            case Question.OCCUPIED:
                return await self._occupied(piece)
            case Question.REPEATED:
                return await self._repeated(asked, piece)
            case Question.LATEST:
                return await self._latest(asked, piece)
            case Question.MISSED | Question.NOT_CALLED_BACK:
                return await self._abandoned(asked, piece)

    async def _abandoned(self, asked: Histories, piece: Piece) -> HistoryFrame:
        rows, failed = await self.unanswered(asked, piece)

        def missed(some: Ints) -> Mapping[str, int]:
            return {"value": int(failed[some].sum())}

        def people(some: Ints) -> Mapping[str, int]:
            who = rows.person[some]
            return {
                "value": len(np.unique(who[failed[some] & (who != NOBODY)])),
                "unknown_person": int((who == NOBODY).sum()),
            }

        return HistoryFrame(rows.places, missed if asked.question is Question.MISSED else people)

    async def unanswered(self, asked: Histories, piece: Piece) -> tuple[Rows, NDArray[np.bool_]]:
        """Abandoned contacts, and which of them nobody has made good."""
        if self._read_abandoned is None:
            self._read_abandoned = await self._all_abandoned(asked, piece)
        found = self._read_abandoned
        missed = asked.question is Question.MISSED
        in_touch = await asyncio.to_thread(
            reached,
            found.rows.person,
            found.since,
            found.gone + MISSED_WITHIN if missed else np.full_like(found.gone, EVER),
            reached_person=found.talked_to,
            reached_at=found.talked_at,
        )
        return found.rows, ~in_touch

    async def _all_abandoned(self, asked: Histories, piece: Piece) -> _Abandoned:
        people = People()
        facts = self._known.source.facts.c
        rows = await self._read(
            asked,
            piece,
            people,
            [
                micros_of(facts.offered_at),
                micros_of(func.coalesce(facts.abandoned_at, facts.offered_at)),
            ],
            facts.outcome == "abandoned",
            facts.answered_at.is_(None),
        )
        talks = await self._timeline(
            people,
            wanted=lambda f: [micros_of(f.answered_at)],
            only=lambda f: [f.answered_at.is_not(None)],
        )
        return await asyncio.to_thread(_as_abandoned, rows, talks)

    async def _repeated(self, asked: Histories, piece: Piece) -> HistoryFrame:
        lives, first, repeated = await self.first_contacts(asked, piece)
        rows = lives.rows
        ripe = self._ripe(lives, asked)

        def judge(some: Ints) -> Mapping[str, int]:
            old = first[some] & ripe[some]
            nobody = (rows.person[some] == NOBODY) & lives.answered[some]
            return {
                "first": int(old.sum()),
                "value": int((old & ~repeated[some]).sum()),
                "immature": int((first[some] & ~ripe[some]).sum()),
                "unknown_person": int(nobody.sum()),
            }

        return HistoryFrame(rows.places, judge)

    def _ripe(self, lives: _Lives, asked: Histories) -> NDArray[np.bool_]:
        """Contacts after which all of the days have passed."""
        return np.asarray(lives.offered + asked.days * DAY_MICROS <= micros(self._now))

    async def first_contacts(
        self, asked: Histories, piece: Piece
    ) -> tuple[_Lives, NDArray[np.bool_], NDArray[np.bool_]]:
        """Contacts, which of them are first ones, and which of these were followed by another."""
        if self._read_lives is None:
            self._read_lives = await self._all_lives(asked, piece)
        lives = self._read_lives
        first, repeated = await asyncio.to_thread(
            repeats, lives.person, lives.at, lives.spoke, asked.days * DAY_MICROS
        )
        return lives, np.append(first, False)[lives.place], np.append(repeated, False)[lives.place]

    async def _all_lives(self, asked: Histories, piece: Piece) -> _Lives:
        people = People()
        facts = self._known.source.facts.c
        rows = await self._read(
            asked, piece, people, [micros_of(facts.offered_at), facts.answered_at.is_not(None)]
        )
        # Whatever comes later than the days allow repeats nothing, and may be there.
        last = piece.end + timedelta(days=self._days, seconds=1)
        life = await self._timeline(
            people,
            wanted=lambda f: [micros_of(f.offered_at), f.answered_at.is_not(None)],
            only=lambda f: [f.offered_at.is_not(None), f.offered_at < literal(last)],
        )
        return await asyncio.to_thread(_as_lives, rows, life)

    async def _latest(self, asked: Histories, piece: Piece) -> HistoryFrame:
        facts = self._known.source.facts.c
        rows = await self._read(
            asked,
            piece,
            People(),
            [facts[asked.score], facts.weight_micro],
            facts[asked.score].is_not(None),
        )
        scores = np.array(rows.columns[0], dtype=np.int64)
        weights = rows.columns[1]
        prefix = "nps" if asked.score == "nps" else "nps10"

        def judge(some: Ints) -> Mapping[str, int]:
            # Rows come in the order of time, so the last of a person is the latest.
            chosen = some[latest(np.zeros(len(some), dtype=np.int64), rows.person[some])]
            numbers: dict[str, int] = {}
            for row in chosen.tolist():
                _count(numbers, prefix, int(scores[row]), int(weights[row]))
            return numbers

        return HistoryFrame(rows.places, judge)

    async def _occupied(self, piece: Piece) -> HistoryFrame:
        places, agents, busy, ends = await query_histories.intervals(
            self._tx,
            await self._sources("contact", None),
            await self._sources("agent_state", None),
            self._query,
            piece,
            self._now,
            self._budget,
        )
        people = People()
        agent = np.array([people.number(code) for code in agents], dtype=np.int64)
        in_contact = np.array(busy, dtype=np.bool_)
        starts = np.array([start for start, _ in ends], dtype=np.int64)
        stops = np.array([stop for _, stop in ends], dtype=np.int64)

        def judge(some: Ints) -> Mapping[str, int]:
            busy_us = present_us = 0
            who = agent[some]
            for one in np.unique(who).tolist():
                mine = some[who == one]
                talks = mine[in_contact[mine]]
                edges = [int(starts[mine].min()), int(stops[mine].max())]
                busy_us += int(covered(starts[talks], stops[talks], edges)[0])
                present_us += int(covered(starts[mine], stops[mine], edges)[0])
            return {"busy_us": busy_us, "present_us": present_us, "agents": len(np.unique(who))}

        return HistoryFrame(places, judge)

    async def singled_out(self, asked: Histories, piece: Piece, *, above: bool) -> list[Any]:
        """Ids of the facts that a question is about, or of those that stand above the line."""
        if asked.question is Question.REPEATED:
            lives, first, repeated = await self.first_contacts(asked, piece)
            rows, chosen = lives.rows, first & self._ripe(lives, asked)
            chosen &= ~repeated if above else True
        elif asked.question is Question.LATEST:
            facts = self._known.source.facts.c
            score = facts[asked.score]
            rows = await self._read(asked, piece, People(), [score], score.is_not(None))
            chosen = np.zeros(len(rows.subjects), dtype=np.bool_)
            chosen[latest(np.zeros(len(rows.subjects), dtype=np.int64), rows.person)] = True
        else:
            rows, chosen = await self.unanswered(asked, piece)
            if asked.question is Question.NOT_CALLED_BACK:
                chosen = chosen & (rows.person != NOBODY)
        return [rows.subjects[row] for row in np.flatnonzero(chosen).tolist()]

    async def _timeline(
        self, people: People, *, wanted: Columns, only: Columns
    ) -> list[tuple[int, Any, list[Any]]]:
        """Every contact of people."""
        return await query_histories.timeline(
            self._tx,
            lambda names: self._sources("contact", names),
            self._known.identity,
            self._query.company.tenant,
            people=people,
            wanted=wanted,
            only=only,
            budget=self._budget,
        )

    async def _read(
        self, asked: Histories, piece: Piece, people: People, wanted: Sequence[Column], *only: Any
    ) -> Rows:
        return await query_histories.read(
            self._tx,
            self._known,
            self._query,
            piece=piece,
            people=people,
            time_column=asked.time_column,
            wanted=wanted,
            only=only,
            budget=self._budget,
        )


def _as_abandoned(rows: Rows, talks: list[tuple[int, Any, list[Any]]]) -> _Abandoned:
    return _Abandoned(
        rows,
        since=np.array(rows.columns[0], dtype=np.int64),
        gone=np.array(rows.columns[1], dtype=np.int64),
        talked_to=np.array([who for who, _, _ in talks], dtype=np.int64),
        talked_at=np.array([at for _, _, (at,) in talks], dtype=np.int64),
    )


def _as_lives(rows: Rows, life: list[tuple[int, Any, list[Any]]]) -> _Lives:
    life.sort(key=lambda one: (one[0], one[2][0], str(one[1])))
    places = {subject: number for number, (_, subject, _) in enumerate(life)}
    return _Lives(
        rows,
        offered=np.array(rows.columns[0], dtype=np.int64),
        answered=np.array(rows.columns[1], dtype=np.bool_),
        place=np.array([places.get(one, len(life)) for one in rows.subjects], dtype=np.int64),
        person=np.array([who for who, _, _ in life], dtype=np.int64),
        at=np.array([at for _, _, (at, _) in life], dtype=np.int64),
        spoke=np.array([spoke for _, _, (_, spoke) in life], dtype=np.bool_),
    )


def _count(numbers: dict[str, int], prefix: str, score: int, weight: int) -> None:
    column = f"{prefix}_{score}"
    numbers[column] = numbers.get(column, 0) + 1
    if prefix == "nps" and weight != MICRO:
        extra = f"{column}_extra"
        numbers[extra] = numbers.get(extra, 0) + weight - MICRO
        category = next(name for name, scores in NPS_CATEGORIES.items() if column in scores)
        square = f"nps_{category}_extra2"
        numbers[square] = numbers.get(square, 0) + weight * weight - MICRO * MICRO
