"""Steps of leads as a sales system tells them over HTTP, and the call that they follow."""

from datetime import timedelta
from typing import Any

from httpx import AsyncClient

from otklik_common.ids import contact_subject
from tests.integration.contact_center.conftest import World
from tests.unit.contact_center.builders import MORNING, an_event

PATH = "/contact-center/v1/lead-steps"
LEADS = "/contact-center/v1/leads"
PHONE = "+79991234567"


def a_step(step: str, hours: float = 1, **more: Any) -> dict[str, Any]:
    """A pushed step as JSON."""
    made = {
        "id": f"s-{step}-{hours}",
        "lead": "crm-1",
        "step": step,
        "at": (MORNING + timedelta(hours=hours)).isoformat(),
        "customer": {"phone": "8 999 123-45-67"},
    }
    return {name: value for name, value in (made | more).items() if value is not None}


def a_deal(hours: float = 700, **more: Any) -> dict[str, Any]:
    """A pushed deal of 57 000 roubles as JSON."""
    return a_step("deal", hours, **{"deal": "d-1", "amount": "57000.00", "currency": "RUB", **more})


async def push(client: AsyncClient, *steps: Any, **more: Any) -> tuple[int, int, list[str]]:
    """Push steps: how many were new, how many known, and the codes of those refused."""
    response = await client.post(PATH, json=list(steps), **more)
    assert response.status_code == 202, response.text
    answer = response.json()
    return answer["accepted"], answer["duplicates"], [one["code"] for one in answer["refused"]]


def a_missed_call(phone: str = PHONE, contact: str = "call-1", **more: Any) -> list[Any]:
    """Events of a buyer who hung up after half a minute."""
    more.setdefault("party", "buyer")
    return [
        an_event(
            "queued", 0, id=f"{contact}-q", contact=contact, channel="call", from_=phone, **more
        ),
        an_event("ended", 30, id=f"{contact}-e", contact=contact),
    ]


def of(world: World, contact: str = "call-1") -> Any:
    """Our id of a contact that was pushed."""
    return contact_subject(world.tenant, f"{world.tenant}.default", contact)
