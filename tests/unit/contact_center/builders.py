"""Events of contacts, valid by default: a test says only what matters."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from hypothesis import strategies as st

from otklik_contact_center.domain.contact import Contact, fold
from otklik_contact_center.domain.events import TYPES, Customer, Event

MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SPACE = UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")


def at(seconds: float) -> datetime:
    """So many seconds after nine in the morning."""
    return MORNING + timedelta(seconds=seconds)


def an_event(kind: str = "started", seconds: float = 0, **more: Any) -> Event:
    """An event of a call; its id says what and when."""
    more.setdefault("id", f"{kind}@{seconds}")
    more.setdefault("contact", "call-1")
    more.setdefault("at", at(seconds))
    return Event(type=kind, **more)  # type: ignore[arg-type]  # tests name types as text


def a_message(author: str, seconds: float, **more: Any) -> Event:
    """Words in a chat."""
    return an_event("message", seconds, actor=author, channel="chat", **more)


def a_call(*, answered: float | None = 9, ended: float | None = 100) -> list[Event]:
    """An inbound call: queued at 0."""
    events = [an_event("queued", 0, channel="call", direction="in", queue="sales", branch="tyumen")]
    if answered is not None:
        events.append(an_event("answered", answered, agent="petrova", actor="human"))
    if ended is not None:
        events.append(an_event("ended", ended))
    return events


def contact_id(name: str) -> UUID:
    """An id that stays the same."""
    return uuid5(SPACE, name)


CODES = st.sampled_from(("a", "b", "c"))


@st.composite
def events(draw: st.DrawFn, *, minutes: int = 30) -> Event:
    """Any event of one contact: often at the same moment as others, often with the same id."""
    kind = draw(st.sampled_from(TYPES))

    def maybe(strategy: st.SearchStrategy[Any]) -> Any:
        return draw(st.none() | strategy)

    return Event(
        id=f"e{draw(st.integers(0, 400))}",
        contact="call-1",
        type=kind,  # type: ignore[arg-type]
        at=at(60 * draw(st.integers(0, minutes))),
        channel=maybe(st.sampled_from(("call", "chat", "form"))),
        direction=maybe(st.sampled_from(("in", "out"))),
        party=maybe(st.sampled_from(("buyer", "seller"))),
        from_=maybe(st.sampled_from(("+79991234567", "anonymous", "anna@example.test", "tg:5"))),
        to=maybe(st.sampled_from(("+73452000001", "+79991234568"))),
        customer=maybe(st.just(Customer(phone="+79991234569"))),
        queue=maybe(CODES),
        branch=maybe(CODES),
        agent=maybe(CODES),
        actor=maybe(st.sampled_from(("customer", "human", "bot", "system"))),
        public=draw(st.booleans()),
        outcome=maybe(st.sampled_from(("overflowed", "abandoned"))) if kind == "ended" else None,
        due_at=maybe(st.just(at(600))),
        waited_seconds=maybe(st.floats(0, 100, allow_nan=False)),
        attributes=maybe(st.dictionaries(CODES, CODES, max_size=2)),
    )


def histories(size: int = 12) -> st.SearchStrategy[list[Event]]:
    """Events of one contact, each id once."""
    return st.lists(events(), min_size=1, max_size=size, unique_by=lambda event: event.id)


def folded(*events: Event) -> Contact:
    """A contact of which these events tell something."""
    contact = fold(events)
    assert contact is not None
    return contact
