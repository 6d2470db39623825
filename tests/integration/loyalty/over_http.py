"""What tests send to loyalty over HTTP, and how they read a refusal."""

from typing import Any
from uuid import uuid4

from tests.integration.loyalty.conftest import Office

AT = "2026-03-02T18:00:00+03:00"
PHONE = "+79991234567"


def a_purchase(name: str = "p-1", **said: Any) -> dict[str, Any]:
    """A flat sold in Tyumen, unless said otherwise."""
    default: dict[str, Any] = {
        "id": name,
        "customer": {"phone": PHONE, "email": None, "external_id": "c-1"},
        "at": AT,
        "branch": "tyumen",
        "currency": "RUB",
        "origin": "sale",
        "lines": [
            {"id": "1", "product": "flat", "category": "sale", "quantity": 1, "amount": "57000.00"}
        ],
        "attributes": {"shelf": "7"},
    }
    return default | said


async def issue(office: Office, amount: int, key: str | None = None, **said: Any) -> Any:
    """Give points to customer c-1, unless said otherwise."""
    body = {"movement": "issue", "points": amount, "reason": "goodwill", **said}
    return await office.post("/customers/c-1/points", body, idempotency_key=key or str(uuid4()))


def refused(answer: Any) -> tuple[int, str]:
    """Status and code of a problem."""
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]
