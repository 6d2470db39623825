"""Contacts that can be evaluated, and those who evaluate them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from httpx import AsyncClient

from otklik_common.callers import ROLE_SCOPES, Caller
from otklik_common.events.access import Role
from otklik_common.idempotency import Once
from otklik_common.ids import contact_subject
from otklik_contact_center.actions.fold import Folder
from otklik_contact_center.domain.events import Event
from tests.integration.contact_center.conftest import Pusher, World, fold_all

BASE = "/contact-center/v1"
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
GOOD: dict[str, str | int] = {"named": "yes", "asked": 2, "rude": "no"}
"""Worth 0.2 × 1 + 0.8 × 0.4 by the form below."""

FORM: dict[str, Any] = {
    "names": {"en": "Sales"},
    "sections": [
        {"code": "greeting", "weight": 20, "questions": [{"code": "named"}]},
        {
            "code": "need",
            "weight": 80,
            "questions": [
                {"code": "asked", "kind": "scale", "points": [0, 1, 2, 5]},
                {"code": "rude", "good": "no", "weight": 0, "fails_at": 0, "not_applicable": False},
            ],
        },
    ],
}  # fmt: skip

ONCE = Once(None, "test", b"")


@dataclass
class Calls:
    """Calls of a company, pushed and folded."""

    world: World
    door: Pusher
    folder: Folder

    async def call(self, name: str, *, agent: str | None = "petrova", **more: Any) -> UUID:
        """A call that an agent has answered, or nobody has."""
        await self.push(name, agent=agent, **more)
        await fold_all(self.folder)
        return self.id(name)

    async def push(
        self,
        name: str,
        *,
        agent: str | None = "petrova",
        branch: str = "tyumen",
        at: datetime = AT,
        lasted: float = 60,
        attributes: dict[str, str] | None = None,
        **more: Any,
    ) -> None:
        """The same, not yet folded."""
        said = {"contact": name, "branch": branch, "channel": "call", "queue": "sales", **more}
        events = [Event(id=f"{name}-q", type="queued", at=at, party="buyer", **said)]
        if agent is not None:
            begun = at + timedelta(seconds=10)
            over = begun + timedelta(seconds=lasted)
            events += [
                Event(id=f"{name}-a", type="answered", at=begun, agent=agent, **said),
                Event(id=f"{name}-e", type="ended", at=over, **said),
            ]
        if attributes is not None:
            end = at + timedelta(hours=1)
            recorded = Event(id=f"{name}-r", contact=name, type="recording", at=end)
            events.append(_with(recorded, attributes))
        await self.door.push(*events)

    def id(self, name: str) -> UUID:
        """The subject of a call."""
        return contact_subject(self.world.tenant, f"{self.world.tenant}.default", name)


def _with(event: Event, attributes: dict[str, str]) -> Event:
    return Event(
        id=event.id, contact=event.contact, type=event.type, at=event.at, attributes=attributes
    )


def member(
    world: World, role: Role, agent: str, branches: tuple[str, ...] | None = ("tyumen",)
) -> Caller:
    """A member of staff who is signed in."""
    id_ = uuid5(UUID(int=0), agent)
    return Caller(
        world.tenant,
        f"member:{id_}",
        ROLE_SCOPES[role],
        role=role,
        branches=None if branches is None else frozenset(branches),
        member=id_,
        agent=agent,
    )


async def put_form(client: AsyncClient, code: str = "sales", **more: Any) -> None:
    answer = await client.put(f"{BASE}/evaluation-forms/{code}", json={**FORM, **more})
    assert answer.status_code == 200, answer.text


async def make(client: AsyncClient, contact: UUID | str, **more: Any) -> dict[str, Any]:
    """An evaluation by the form, a draft unless it is refused."""
    body = {"contact": str(contact), "form": "sales", "answers": GOOD, **more}
    answer = await client.post(f"{BASE}/evaluations", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def take(client: AsyncClient, id_: str, step: str, **body: Any) -> dict[str, Any]:
    """A step that is not refused."""
    answer = await client.post(f"{BASE}/evaluations/{id_}/{step}", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found
