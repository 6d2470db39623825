"""Every gap between a customer's words and a person's answer, in the events of one contact."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from otklik_contact_center.domain.events import Event, author_of

HANDED_OVER = frozenset(("queued", "assigned", "transferred"))


@dataclass(frozen=True, slots=True)
class Gap:
    """
    One wait of the customer.

    Attributes:
        id: The sender's id of the event that began it: a message, a hand-over from a bot, or a
            reopening.
        replied_at: None while nobody answered; such a gap exists only in an open contact, or among
            those that were dropped.
        dropped_at: When the contact ended without an answer to it.
        first: No person had spoken in the contact before.
    """

    id: str
    asked_at: datetime
    replied_at: datetime | None
    agent: str | None
    queue: str | None
    branch: str | None
    first: bool
    dropped_at: datetime | None = None


@dataclass(slots=True)
class Exchange:
    """
    What was said in a contact, in order.

    Attributes:
        first_asked_at: When the wait for the first person began; None if nobody asked.
        first_replied_at: The first words of a person that the customer could see.
        gaps: In order of time; only the last may be unanswered.
        dropped: Those that an end of the contact left unanswered.
    """

    first_asked_at: datetime | None = None
    first_replied_at: datetime | None = None
    customer_messages: int = 0
    agent_messages: int = 0
    bot_messages: int = 0
    gaps: list[Gap] = field(default_factory=list)
    dropped: list[Gap] = field(default_factory=list)
    _asked: Event | None = None
    _bot_spoke: bool = False
    _bot_involved: bool = False
    _handed_over: bool = False
    _closed: bool = False

    def customer_wrote(self, event: Event) -> None:
        """
        The first unanswered message starts the clock, later ones do not restart it.

        Except where a bot has answered it and no person was asked for yet: then the customer
        got what there was, and coming back is a new question.
        """
        self.customer_messages += 1
        if self._asked is None or self._bot_spoke:
            self._ask(event)

    def bot_spoke(self) -> None:
        """A bot's words are no reply; they only count while the contact is the bot's."""
        if not self._handed_over:
            self._bot_involved = True
            self._bot_spoke = self._asked is not None

    def person_wrote(self, event: Event) -> None:
        """A person's words end the gap, if there is one; further words start nothing."""
        self.agent_messages += 1
        self._handed_over = True
        if self._asked is not None:
            self._close_gap(event)
        if self.first_replied_at is None:
            self.first_replied_at = event.at
        self._asked, self._bot_spoke = None, False

    def person_took_it(self) -> None:
        """A person holds the contact: what a bot says from now on is beside the point."""
        self._handed_over = True
        self._bot_spoke = False

    def handed_over(self, event: Event) -> None:
        """From a bot to people: now the wait for a person begins, new message or not."""
        if self._bot_involved and not self._handed_over and self.first_replied_at is None:
            self._ask(event)
        self._handed_over = True

    def ended(self, at: datetime) -> None:
        """What was open is dropped: a "thank you" before the close waits for nothing."""
        if self._asked is not None:
            self.dropped.append(self._gap(self._asked, None, dropped_at=at))
        self._asked, self._bot_spoke, self._closed = None, False, True

    def reopened(self, event: Event) -> None:
        """The contact is anybody's again, and while nobody ever answered, the wait begins anew."""
        self._closed = self._handed_over = self._bot_involved = False
        if self.first_replied_at is None and self.customer_messages:
            self._ask(event)

    def finish(self) -> None:
        """No more events: what is unanswered in an open contact is an open gap."""
        if self._asked is not None and not self._closed:
            self._close_gap(None)

    def _ask(self, event: Event) -> None:
        self._asked, self._bot_spoke = event, False
        # Words after an end that left the first ones unanswered do not make them younger.
        if self.first_replied_at is None and not (self._closed and self.dropped):
            self.first_asked_at = event.at

    def _close_gap(self, reply: Event | None) -> None:
        assert self._asked is not None
        self.gaps.append(self._gap(self._asked, reply))

    def _gap(self, asked: Event, reply: Event | None, dropped_at: datetime | None = None) -> Gap:
        return Gap(
            id=asked.id,
            asked_at=asked.at,
            replied_at=None if reply is None else reply.at,
            agent=None if reply is None else reply.agent,
            queue=(reply.queue if reply is not None else None) or asked.queue,
            branch=(reply.branch if reply is not None else None) or asked.branch,
            first=self.first_replied_at is None,
            dropped_at=dropped_at,
        )


def exchange(ordered: Iterable[Event]) -> Exchange:
    """
    The exchange in a contact's events, which are in order and hold no `amended`.

    Source: that a bot's answer ends what the customer waited for, and that a hand-off begins
    the wait for a person, follows what users of Chatwoot reported (chatwoot#12058, #13417);
    that a closed conversation misses nothing, chatwoot#10178.
    """
    said = Exchange()
    for event in ordered:
        kind = event.type
        if kind == "message":
            if event.public:
                _message(said, event)
        elif kind in HANDED_OVER:
            said.handed_over(event)
        elif kind == "answered":
            _taken(said, event)
        elif kind == "ended":
            said.ended(event.at)
        elif kind == "reopened":
            said.reopened(event)
    said.finish()
    return said


def _taken(said: Exchange, event: Event) -> None:
    author = author_of(event)
    if author == "bot":
        said.bot_spoke()
    elif author == "human":
        said.person_took_it()


def _message(said: Exchange, event: Event) -> None:
    author = author_of(event)
    if author == "customer":
        said.customer_wrote(event)
    elif author == "human":
        said.person_wrote(event)
    elif author == "bot":
        said.bot_messages += 1
        said.bot_spoke()
