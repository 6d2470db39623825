"""Reads of the facts behind one cell, in parts, the newest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Text, Uuid, and_, cast, func, null, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.paging import Part, keyset
from otklik_metrics.domain.dimensions import CARRIED
from otklik_metrics.domain.planner import Piece
from otklik_metrics.domain.query import Query
from otklik_metrics.domain.readings import Pick
from otklik_metrics.store.query_facts import Source, looked_at
from otklik_metrics.store.query_measures import Moment, term
from otklik_metrics.store.query_terms import Column, array

SHOWN: Final[Mapping[str, tuple[str, ...]]] = {
    kind: tuple(names.split())
    for kind, names in {
        "contact": "started_at offered_at answered_at abandoned_at first_asked_at ended_at "
        "closed_at due_at waited_ms handled_ms first_response_ms resolution_ms transfers "
        "reopenings contradictions",
        "reply": "asked_at replied_at waited_ms first",
        "sla_clock": "started_at due_at breached_at ended_at state paused target_ms used_ms",
        "feedback_clock": "matter about started_at due_at breached_at ended_at state target_ms used_ms",
        "ad_spend": "spent_at amount_minor",
        "review": "written_at received_at replied_at removed_at state stars has_text",
        "claim": "received_at term_at reacted_at worked_off_at state outcome wish reopenings",
        "promise": "made_at warn_at due_at kept_at cancelled_at state postponed",
        "lead": "created_at assigned_at attempted_at contacted_at qualified_at shown_at dealt_at "
        "closed_at reason objections requests showings known_person",
        "showing": "shown_at lead object",
        "deal": "dealt_at lead deal object amount_minor currency",
        "touch": "credited_at touched_at lead deal place touches certainty linear_micro position_micro",
        "evaluation": "evaluated_at released_at acknowledged_at disputed_at resolved_at state"
        " score_micro failed changed form_version",
        "script_run": "filled_at corrected_at asked done missed complete script_version",
        "answer": "answered_at nps nps_1_10 enps csat ces csi_score_micro csi_most_micro "
        "csi_least_micro csi_importance_micro lost_deal weight_micro has_text",
        "case": "opened_at due_at contacted_at closed_at state level resolution answer",
        "purchase": "sold_at returned_at amount_minor returned_minor net_minor lines",
        "points": "moved_at points reverses",
    }.items()
}
"""What is shown of a fact beside its dimensions; never who it is about."""


@dataclass(frozen=True, slots=True)
class Record:
    """One fact: its contact is None where the kind has none, or none is known."""

    kind: str
    subject: UUID
    contact: UUID | None
    at: datetime
    dimensions: Mapping[str, str | None]
    values: Mapping[str, Any]


def picked(source: Source, pick: Pick, moment: Moment) -> Column:
    """Condition of the facts that stand behind a number."""
    facts = source.facts.c
    some = [term(source.kind, one, facts, moment).is_not(None) for one in pick.some]
    none = [term(source.kind, one, facts, moment).is_(None) for one in pick.none]
    return and_(or_(*some), *none)


def among(source: Source, subjects: Sequence[UUID]) -> Column:
    """Condition of certain facts."""
    return source.facts.c.subject == func.any(array(subjects, Uuid))


async def read(
    tx: AsyncConnection,
    source: Source,
    query: Query,
    *,
    time_column: str,
    piece: Piece,
    only: Column,
    part: Part,
) -> list[Record]:
    """The facts of a piece that fulfil a condition; one more than the part wants, if there are."""
    facts, kind = source.facts.c, source.kind
    at = facts[time_column]
    dimensions, values = sorted(CARRIED[kind]), SHOWN[kind]
    if kind == "contact":
        contact: Column = facts.subject
    else:
        contact = facts.contact if "contact" in facts else null()
    statement = select(
        facts.subject,
        at,
        contact,
        *(cast(facts[name], Text) for name in dimensions),
        *(facts[name] for name in values),
    ).where(*looked_at(source, query, at, piece), only)
    rows = await tx.execute(keyset(statement, part, order=(at.desc(), facts.subject.desc())))
    wide = 3 + len(dimensions)
    return [
        Record(
            kind,
            row[0],
            row[2],
            row[1],
            dict(zip(dimensions, row[3:wide], strict=True)),
            dict(zip(values, row[wide:], strict=True)),
        )
        for row in rows
    ]
