"""How sources do, as the API shows it."""

from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, Field

from otklik_common.language import Lang
from otklik_contact_center.actions.doctor import Brief, Health, State
from otklik_contact_center.domain.doctor.delay import Delays
from otklik_contact_center.domain.doctor.findings import Finding
from otklik_contact_center.store.doctor import Sent


class SentOut(BaseModel):
    """What came from a source in a stretch of whole hours and the present one."""

    accepted: int = Field(description="new events that were let in")
    duplicates: int = Field(description="events that had come before with the same body")
    refused: int = Field(description="events that were not let in, repetitions included")
    out_of_order: int = Field(
        description="of the accepted: one that happened more than 60 s later came before them"
    )

    @classmethod
    def of(cls, sent: Sent) -> Self:
        """As shown."""
        return cls(
            accepted=sent.accepted,
            duplicates=sent.duplicates,
            refused=sent.refused,
            out_of_order=sent.late,
        )


class DelaysOut(BaseModel):
    """
    From when events happened, by the sender's clock, until they came, by ours.

    Below zero the sender's clock is ahead. Exact to 5 % of the delay and 0.05 s; events older than a
    day are left out.
    """

    events: int
    min_seconds: float
    median_seconds: float
    p95_seconds: float
    max_seconds: float

    @classmethod
    def of(cls, found: Delays) -> Self:
        """As shown."""
        return cls(
            events=found.events,
            min_seconds=found.least,
            median_seconds=found.median,
            p95_seconds=found.p95,
            max_seconds=found.most,
        )


class FindingOut(BaseModel):
    """One thing that is wrong, in Russian or English by Accept-Language."""

    code: str = Field(
        description="silent, never_heard, nothing_let_in, refused_waiting, many_duplicates,"
        " out_of_order, clock_ahead, comes_late or calls_without_end"
    )
    text: str
    advice: str

    @classmethod
    def of(cls, found: Finding, language: Lang) -> Self:
        """As shown."""
        return cls(
            code=found.code,
            text=getattr(found.text, language),
            advice=getattr(found.advice, language),
        )


class ReplaySource(BaseModel):
    """The body of the request that pushes what is refused again."""

    source: str


class ReplayOut(BaseModel):
    """The request that pushes the 500 oldest refused events of the source again; repeat it."""

    method: Literal["POST"] = "POST"
    path: str
    body: ReplaySource


class SourceBrief(BaseModel):
    """A source and whether it is heard."""

    id: str
    name: str
    kind: str
    state: State = Field(
        description="silent: by its own past, nothing should not have come for so long; given_up:"
        " the same for more than 14 days, so that nobody is called because of it any more"
    )
    last_arrived_at: datetime | None = Field(
        description="when anything came last, let in or not; null: not in nine weeks"
    )
    last_event_at: datetime | None = Field(
        description="when a new event came last; null: not in nine weeks"
    )
    newest_event_at: datetime | None = Field(
        description="the latest time that a new event told, of those not older than a day"
    )
    silent_since: datetime | None = Field(description="its last event, while it is silent")
    usual_gap_seconds: int | None = Field(
        description="how long that silence might have been chance; null while it is heard"
    )
    day: SentOut = Field(description="of the last 24 whole hours and the present one")
    refused_waiting: int = Field(
        description="refused events that can be replayed and were not; at most 10,000 are counted"
    )

    @classmethod
    def of(cls, brief: Brief) -> Self:
        """As shown."""
        source, times = brief.source, brief.times
        gap = source.usual_gap
        return cls(
            id=source.id,
            name=source.name,
            kind=source.kind,
            state=brief.state,
            last_arrived_at=times.arrived_at,
            last_event_at=times.heard_at,
            newest_event_at=times.newest_at,
            silent_since=source.silent_since,
            usual_gap_seconds=None if gap is None else round(gap.total_seconds()),
            day=SentOut.of(brief.day),
            refused_waiting=brief.waiting,
        )


class SourceHealth(SourceBrief):
    """A source looked at closely."""

    hour: SentOut = Field(description="of the last whole hour and the present one")
    this_hour: int = Field(description="new events of the present hour so far")
    expected_this_hour: int | None = Field(
        description="new events that this hour of the week usually brings: the median of up to"
        " eight weeks; null before there are three"
    )
    silent_at: datetime | None = Field(
        description="when it is told to be silent if nothing comes; null while it is too young (a"
        " week), or heard too rarely, for that to be said"
    )
    delays: DelaysOut | None = Field(description="of the last day; null where nothing came")
    calls_without_end: int = Field(
        description="calls of the last 24 hours that began more than 4 hours ago and have no end;"
        " of the company's newest 20,000 calls"
    )
    replay: ReplayOut | None = Field(description="null where nothing waits")
    findings: list[FindingOut] = Field(description="what is wrong, the worst first")

    @classmethod
    def seen(cls, health: Health, path: str, language: Lang) -> Self:
        """As shown; `path` is that of replays."""
        brief = SourceBrief.of(health.brief)
        waiting = health.brief.waiting
        return cls(
            **dict(brief),
            hour=SentOut.of(health.hours),
            this_hour=health.now.accepted,
            expected_this_hour=health.expected,
            silent_at=health.silent_at,
            delays=None if health.delays is None else DelaysOut.of(health.delays),
            calls_without_end=health.endless,
            replay=ReplayOut(path=path, body=ReplaySource(source=brief.id)) if waiting else None,
            findings=[FindingOut.of(one, language) for one in health.findings],
        )
