"""Promises as they travel."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from otklik_common.events.staff import Promise
from otklik_contact_center.domain import promise
from otklik_contact_center.domain.emission import (
    Announcement,
    Emitted,
    Step,
    announcement,
    next_step,
)


class Told(NamedTuple):
    """A revision of a promise: to remember, and to tell."""

    step: Step
    announcement: Announcement


def read(data: str | bytes) -> Promise:
    """A promise's fact out of what was published."""
    return Promise.model_validate_json(data)


def told(
    tenant: str, id_: UUID, known: Emitted | None, now: Promise, recorded_at: datetime
) -> Told | None:
    """
    What is new about a promise; None where it shows what it did.

    Args:
        known: As last published; None: never.
    """
    step = next_step(id_, known, now.model_dump_json().encode())
    if step is None:
        return None
    return Told(
        step,
        announcement(
            step,
            Promise,
            tenant=tenant,
            verb=promise.verb(now),
            time=promise.time_of(now, recorded_at),
            recorded_at=recorded_at,
            traceparent=None,
        ),
    )
