"""Taking the demo out."""

from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from otklik_common.callers import Caller, require_everywhere
from otklik_common.http import PROBLEMS, Now
from otklik_common.module import Platform
from otklik_contact_center.actions import demo
from otklik_contact_center.actions.sources import SourceBook
from otklik_contact_center.store.columns import SCHEMA
from otklik_contact_center.store.demo import Removal

PREFIX: Final = "/contact-center/v1"

Removes = Annotated[Caller, Depends(require_everywhere("demo:write"))]


class RemovalOut(BaseModel):
    """How far a removal is, and how much was taken out so far."""

    state: Literal["none", "running", "done"]
    asked_at: datetime | None = None
    done_at: datetime | None = None
    contacts: int = 0
    events: int = 0
    agent_states: int = 0
    refused: int = Field(default=0, description="events that had not been let in")


def _view(removal: Removal | None) -> RemovalOut:
    if removal is None:
        return RemovalOut(state="none")
    return RemovalOut(
        state="running" if removal.done_at is None else "done",
        asked_at=removal.asked_at,
        done_at=removal.done_at,
        contacts=removal.counts.contacts,
        events=removal.counts.events,
        agent_states=removal.counts.agent_states,
        refused=removal.counts.refused,
    )


def router(platform: Platform, book: SourceBook) -> APIRouter:
    """The routes."""
    db = platform.database(SCHEMA, "api")
    made = APIRouter(prefix=PREFIX, tags=["demo"])

    @made.delete(
        "/demo",
        status_code=202,
        operation_id="remove_contact_center_demo",
        summary="Take the demo out",
        responses=PROBLEMS(401, 403, 503),
    )
    async def remove(caller: Removes, now: Now) -> RemovalOut:
        """
        Take out the sources that were made for it with everything they sent, and its agents' states.

        Done in the background; `GET` tells how far it is. Contacts, replies, leads and states are
        voided, so the numbers follow. Agents' states belong to no source: those go whose ids
        begin with `demo-`, which only a caller with `demo:write` may push. Safe to repeat.
        """
        asked = await demo.ask_removal(db, caller, now)
        book.forget(caller.tenant)
        return _view(asked)

    @made.get(
        "/demo",
        operation_id="get_contact_center_demo_removal",
        summary="How far the removal of the demo is",
        responses=PROBLEMS(401, 403),
    )
    async def progress(caller: Removes) -> RemovalOut:
        """The last removal that was asked for, going on or done."""
        return _view(await demo.removal(db, caller))

    return made
