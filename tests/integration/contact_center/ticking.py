"""A script, and contacts in which it is ticked."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from httpx import AsyncClient, Response

from tests.integration.contact_center.conftest import now
from tests.integration.contact_center.evaluating import Calls

BASE = "/contact-center/v1"

SCRIPT: dict[str, Any] = {
    "names": {"ru": "Покупатели", "en": "Buyers"},
    "meant": {"party": "buyer", "channel": "call"},
    "items": [
        {"code": "greeting", "texts": {"ru": "Поздоровался"}, "not_applicable": False},
        {"code": "need", "texts": {"ru": "Выяснил потребность"}},
        {"code": "objection", "compulsory": False},
        {"code": "work", "only_if": {"item": "objection", "answer": "done"}},
        {"code": "next_step"},
    ],
}


async def put_script(client: AsyncClient, code: str = "buyers", **more: Any) -> dict[str, Any]:
    """A script that is not refused."""
    answer = await client.put(f"{BASE}/scripts/{code}", json={**SCRIPT, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def answers(**said: str) -> list[dict[str, str]]:
    """Answers by item."""
    return [{"item": item, "answer": answer} for item, answer in said.items()]


async def tick(client: AsyncClient, contact: UUID, *, more: Any = None, **said: str) -> Response:
    """Answers of a contact, as they are answered."""
    body = {"answers": answers(**said), **(more or {})}
    return await client.put(f"{BASE}/contacts/{contact}/script", json=body)


async def ticked(
    client: AsyncClient, contact: UUID, *, more: Any = None, **said: str
) -> dict[str, Any]:
    """A checklist that is not refused."""
    answer = await tick(client, contact, more=more, **said)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["checklist"]
    return found


async def a_call(calls: Calls, name: str = "c1", *, hours: float = 1, **more: Any) -> UUID:
    """A buyer's call that petrova has answered so many hours ago."""
    return await calls.call(name, at=now() - timedelta(hours=hours), **more)
