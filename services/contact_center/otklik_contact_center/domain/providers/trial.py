"""What bodies would tell if they were read in another way: nothing of it is kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from otklik_contact_center.domain.admission import Push, read_push
from otklik_contact_center.domain.contact import Contact, fold
from otklik_contact_center.domain.events import Event
from otklik_contact_center.domain.providers.pushed import Directions, Provider, UnreadableError

_encode = msgspec.json.Encoder().encode


class Trial(NamedTuple):
    """
    What a body would tell.

    Attributes:
        push: Its events, those that would be refused apart; None where it cannot be read.
        why: Why it cannot.
    """

    push: Push | None
    why: str | None


def read_body(provider: Provider, directions: Directions, body: bytes, now: datetime) -> Trial:
    """The events in a body in the company's words, judged as if they were pushed."""
    try:
        events = provider.read(body, directions)
    except UnreadableError as wrong:
        return Trial(None, str(wrong))
    return Trial(read_push(_encode([directions.placed(event) for event in events]), now), None)


def contacts_of(trials: Sequence[Trial]) -> dict[str, Contact]:
    """The contacts that bodies would come to, by the product's own id of them."""
    by_contact: dict[str, list[Event]] = {}
    for trial in trials:
        for one in trial.push.admitted if trial.push is not None else ():
            by_contact.setdefault(one.event.contact, []).append(one.event)
    folded = {name: fold(events) for name, events in by_contact.items()}
    return {name: contact for name, contact in folded.items() if contact is not None}
