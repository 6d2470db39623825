"""Facts for tests of metrics: by hand, valid by default, and of any shape by Hypothesis."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from hypothesis import strategies as st

from otklik_common.events.contact_center import Channel, Contact, Direction, Outcome, Reply
from otklik_common.events.envelope import Event, Fact
from otklik_common.events.feedback import Answer, Case, CaseState
from otklik_common.events.leads import Lead
from otklik_common.events.loyalty import Customer, Points, Purchase
from otklik_common.events.registry import encode
from otklik_common.log.port import Record
from otklik_common.reading import ReadEvent, read
from otklik_metrics.domain.histogram import decode
from otklik_metrics.domain.measures import MEASURES
from otklik_metrics.domain.rollup import Cell, Deltas
from otklik_metrics.domain.sets import Grain

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SOURCE = UUID("00000000-0000-5000-8000-000000000001")
PHONE = "ph1_AAAAAAAAAAAAAAAAAAAAAAAA"
MAIL = "em1_BBBBBBBBBBBBBBBBBBBBBBBB"


def a_contact(**said: Any) -> Contact:
    """A call that was offered and is still open."""
    default: dict[str, Any] = {
        "source": SOURCE,
        "channel": Channel.CALL,
        "direction": Direction.IN,
        "branch": "tyumen",
        "queue": "sales",
        "offered_at": MONDAY,
        "identifiers": (PHONE,),
    }
    return Contact(**default | said)


def an_answered_contact(waited_ms: int = 12_400, **said: Any) -> Contact:
    """A call that somebody answered, and that ended after two minutes."""
    offered_at = said.get("offered_at", MONDAY)
    answered_at = offered_at + timedelta(milliseconds=waited_ms)
    default: dict[str, Any] = {
        "outcome": Outcome.ANSWERED,
        "agent": "petrova",
        "team": "first",
        "answered_at": answered_at,
        "ended_at": answered_at + timedelta(minutes=2),
        "waited_ms": waited_ms,
        "talked_ms": 100_000,
        "held_ms": 20_000,
        "handled_ms": 120_000,
        "first_response_ms": waited_ms,
    }
    return a_contact(**default | said)


def an_answer(**said: Any) -> Answer:
    """An NPS answer of 9."""
    default: dict[str, Any] = {
        "survey": UUID(int=7),
        "template": "nps",
        "answered_at": MONDAY,
        "branch": "tyumen",
        "channel": "call",
        "nps": 9,
    }
    return Answer(**default | said)


def a_purchase(**said: Any) -> Purchase:
    """One thing sold for a thousand roubles."""
    default: dict[str, Any] = {
        "sold_at": MONDAY,
        "currency": "RUB",
        "amount_minor": 100_000,
        "net_minor": 100_000,
        "lines": 1,
        "branch": "tyumen",
    }
    return Purchase(**default | said)


def a_customer(*identifiers: str, **said: Any) -> Customer:
    """A customer with these pseudonyms."""
    default: dict[str, Any] = {"identifiers": identifiers, "created_at": MONDAY}
    return Customer(**default | said)


def an_event(
    data: Fact,
    *,
    tenant: str = "demo2abc",
    subject: UUID | str = "one",
    revision: int = 1,
    epoch: int = 1,
    void: bool = False,
    recorded_at: datetime | None = None,
) -> Event[Fact]:
    """A revision of a subject; text names one."""
    return Event(
        tenant=tenant,
        subject=subject if isinstance(subject, UUID) else uuid5(SOURCE, subject),
        revision=revision,
        epoch=epoch,
        verb="changed",
        time=MONDAY,
        recorded_at=recorded_at or MONDAY + timedelta(seconds=revision),
        data=data,
        void=void,
    )


def heard(*events: Event[Fact], partition: int = 0) -> list[ReadEvent]:
    """Events as a consumer hands them over."""
    records = [
        Record(f"otklik.{type(event.data).owner}", partition, offset, event.key, encode(event))
        for offset, event in enumerate(events)
    ]
    found, unread = read(records)
    assert not unread, unread
    return found


Moved = tuple[dict[Cell, dict[str, int]], dict[tuple[Cell, int], dict[int, int]]]
"""Counters by cell, and buckets by cell and histogram; without zeros."""


def moved(deltas: Deltas) -> Moved:
    """What changes, in a form that compares."""
    names = MEASURES[deltas.kind].names
    counters = {
        cell: {name: n for name, n in zip(names, amounts, strict=True) if n is not None}
        for grain in Grain
        for cell, amounts in deltas.counters(grain)
    }
    histograms = {
        (cell, number): decode(hist)
        for grain in Grain
        for cell, number, hist in deltas.histograms(grain)
    }
    return counters, histograms


# --- Of any shape ---------------------------------------------------------------------------------

moments = st.datetimes(
    datetime(2026, 2, 27),  # noqa: DTZ001 - the strategy adds the zone
    datetime(2026, 3, 3),  # noqa: DTZ001
    timezones=st.just(UTC),
)
maybe_moments = st.none() | moments
spans = st.integers(0, 10**7)
maybe_spans = st.none() | spans
branches = st.sampled_from([None, "tyumen", "perm"])
agents = st.sampled_from([None, "petrova", "ivanov"])
parties = st.sampled_from([None, "buyer", "seller"])
people = st.sampled_from([(), (PHONE,), (PHONE, MAIL)])
channels = st.sampled_from([Channel.CALL, Channel.CHAT])
micros = st.integers(0, 10**9)

contacts = st.builds(
    Contact,
    source=st.just(SOURCE),
    channel=channels,
    direction=st.sampled_from(Direction),
    branch=branches,
    agent=agents,
    party=parties,
    identifiers=people,
    offered_at=maybe_moments,
    answered_at=maybe_moments,
    abandoned_at=maybe_moments,
    first_asked_at=maybe_moments,
    ended_at=maybe_moments,
    closed_at=maybe_moments,
    due_at=maybe_moments,
    outcome=st.sampled_from(Outcome),
    waited_ms=maybe_spans,
    talked_ms=maybe_spans,
    held_ms=maybe_spans,
    wrapped_ms=maybe_spans,
    handled_ms=maybe_spans,
    first_response_ms=maybe_spans,
    resolution_ms=maybe_spans,
    transfers=st.integers(0, 3),
    reopenings=st.integers(0, 3),
)
replies = st.builds(
    Reply,
    contact=st.just(UUID(int=5)),
    source=st.just(SOURCE),
    channel=channels,
    branch=branches,
    agent=agents,
    identifiers=people,
    first=st.booleans(),
    asked_at=moments,
    replied_at=maybe_moments,
    waited_ms=maybe_spans,
)
leads = st.builds(
    Lead,
    contact=st.just(UUID(int=6)),
    source=st.just(SOURCE),
    channel=channels,
    branch=branches,
    party=parties,
    identifiers=people,
    known_person=st.booleans(),
    created_at=moments,
    assigned_at=maybe_moments,
    attempted_at=maybe_moments,
    contacted_at=maybe_moments,
    closed_at=maybe_moments,
    last_requested_at=moments,
    attempt_ms=maybe_spans,
    contact_ms=maybe_spans,
    requests=st.integers(1, 4),
)
answers = st.builds(
    Answer,
    survey=st.just(UUID(int=7)),
    template=st.sampled_from(["nps", "csat"]),
    answered_at=moments,
    contact=st.none() | st.just(UUID(int=5)),
    branch=branches,
    agent=agents,
    touchpoint=st.sampled_from([None, "viewing"]),
    identifiers=people,
    anonymous=st.booleans(),
    weight_micro=st.just(1_000_000) | st.integers(1, 10**8),
    nps=st.none() | st.integers(0, 10),
    nps_1_10=st.none() | st.integers(1, 10),
    enps=st.none() | st.integers(0, 10),
    csat=st.none() | st.integers(1, 5),
    ces=st.none() | st.integers(1, 7),
    csi_score_micro=st.none() | micros,
    csi_most_micro=st.none() | micros,
    csi_least_micro=st.none() | micros,
    csi_importance_micro=st.none() | micros,
    has_text=st.booleans(),
)
cases = st.builds(
    Case,
    reason=st.sampled_from(["nps", "csat"]),
    state=st.sampled_from(CaseState),
    branch=branches,
    agent=agents,
    identifiers=people,
    opened_at=moments,
    due_at=moments,
    contacted_at=maybe_moments,
    closed_at=maybe_moments,
)
purchases = st.builds(
    Purchase,
    identifiers=people,
    sold_at=moments,
    returned_at=maybe_moments,
    currency=st.sampled_from(["RUB", "KZT"]),
    amount_minor=micros,
    returned_minor=micros,
    net_minor=micros,
    lines=st.integers(0, 5),
    branch=branches,
    agent=agents,
)
points = st.builds(
    Points,
    customer=st.just(UUID(int=8)),
    moved_at=moments,
    movement=st.sampled_from(["issued", "spent"]),
    points=st.integers(-1000, 1000),
    reason=st.sampled_from(["purchase", "gift"]),
    reverses=st.none() | st.just(UUID(int=9)),
    branch=branches,
)

FACTS: dict[str, st.SearchStrategy[Any]] = {
    "contact": contacts,
    "reply": replies,
    "lead": leads,
    "answer": answers,
    "case": cases,
    "purchase": purchases,
    "points": points,
}
"""Facts of any shape, by kind; of the kinds that have rollups."""
