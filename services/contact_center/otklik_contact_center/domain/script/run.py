"""Checklists as others are told of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from otklik_common.events.contact_center import Contact, channel_of
from otklik_common.events.scripts import ScriptRun
from otklik_contact_center.domain.emission import (
    Announcement,
    Emitted,
    Step,
    announcement,
    next_step,
)
from otklik_contact_center.domain.script.checklist import Kept, run_subject
from otklik_contact_center.domain.script.choosing import About

FILLED: Final = "filled"
CORRECTED: Final = "corrected"
WITHDRAWN: Final = "withdrawn"


@dataclass(frozen=True, slots=True)
class Written:
    """By what a checklist was written, and when: `corrected_at` is None the first time."""

    script: str
    version: int
    filled_at: datetime
    corrected_at: datetime | None


def about_of(contact: Contact) -> About:
    """What a contact has of that by which scripts are meant."""
    return About(contact.party, contact.direction.value, channel_of(contact), contact.queue)


def fact_of(id_: UUID, contact: Contact, agent: str, written: Written, kept: Kept) -> ScriptRun:
    """What others are told; no word that anybody wrote."""
    return ScriptRun(
        contact=id_,
        source=contact.source,
        channel=contact.channel,
        head_line=contact.head_line,
        direction=contact.direction,
        party=contact.party,
        branch=contact.branch,
        team=contact.team,
        queue=contact.queue,
        agent=agent,
        script=written.script,
        script_version=written.version,
        asked=kept.asked,
        done=kept.done,
        missed=kept.missed,
        complete=kept.complete,
        filled_at=written.filled_at,
        corrected_at=written.corrected_at,
    )


@dataclass(frozen=True, slots=True)
class Told:
    """A revision of a checklist: to remember, and to tell."""

    step: Step
    announcement: Announcement


def told(
    tenant: str, contact: UUID, known: Emitted | None, now: ScriptRun | None, recorded_at: datetime
) -> Told | None:
    """
    What is new about a checklist; None where others know it so.

    Args:
        known: As last published; None: never.
        now: None: its contact is no more.
    """
    data = None if now is None else now.model_dump_json().encode()
    step = next_step(run_subject(tenant, contact), known, data)
    if step is None:
        return None
    said = announcement(
        step,
        ScriptRun,
        tenant=tenant,
        verb=_verb(now),
        time=recorded_at,
        recorded_at=recorded_at,
        traceparent=None,
    )
    return Told(step, said)


def _verb(now: ScriptRun | None) -> str:
    if now is None:
        return WITHDRAWN
    return FILLED if now.corrected_at is None else CORRECTED
