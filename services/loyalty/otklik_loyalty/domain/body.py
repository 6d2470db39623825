"""What makes two bodies the same: a digest of what they mean, not of how they are written."""

import hashlib
import json
from typing import Any

from otklik_loyalty.domain.identity import Person
from otklik_loyalty.domain.purchase import Purchase


def purchase_digest(purchase: Purchase, person: Person) -> bytes:
    """
    SHA-256 of a purchase as it was sent.

    Amounts are minor units, times UTC, people pseudonyms: a phone written in another way is the
    same phone, and the digest in the table gives no phone away to whoever tries all numbers.
    """
    return _digest(
        [
            purchase.reference,
            purchase.sold_at.isoformat(),
            purchase.currency,
            purchase.origin,
            purchase.branch,
            purchase.agent,
            purchase.party,
            purchase.campaign,
            person.pseudonyms,
            sorted(purchase.attributes.items()),
            [
                (line.id, line.quantity, line.amount_minor, line.product, line.category)
                for line in purchase.lines
            ],
        ]
    )


def _digest(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()
