"""
Signatures of incoming pushes.

Source: Standard Webhooks 1.0.0: HMAC-SHA256 over `id.timestamp.body`, several signatures in one
header while secrets change, at most five minutes between the clocks.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
TOLERANCE: Final = timedelta(minutes=5)

HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")


def secret_text(secret: bytes) -> str:
    """A secret as its owner is shown it."""
    return PREFIX + base64.b64encode(secret).decode()


class Fault(NamedTuple):
    """What is wrong, in both languages."""

    en: str
    ru: str


UNPROVED: Final = Fault(
    "nothing proves this push, or there is no such source: our own events need the header"
    " webhook-id and its signature, a product what its page says (is its key or secret mistyped?)",
    "ничто не подтверждает эту отправку, или такого источника нет: нашим событиям нужен заголовок"
    " webhook-id с подписью, другой системе – то, что сказано на её странице (нет ли ошибки в"
    " ключе или секрете?)",
)
"""Where no part of a signature of ours is there."""


def fault(
    headers: Mapping[str, str], body: bytes, *, secrets: Iterable[bytes], now: datetime
) -> Fault | None:
    """
    What is wrong with a signed request; None if it is signed by one of `secrets`.

    Args:
        headers: By lower-case name; see `HEADERS`.
    """
    missing = [name for name in HEADERS if not headers.get(name)]
    if len(missing) == len(HEADERS):
        return UNPROVED
    if missing:
        return Fault(f"the header {missing[0]} is missing", f"нет заголовка {missing[0]}")
    identity, timestamp, signatures = (headers[name] for name in HEADERS)
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        return Fault(
            "webhook-timestamp is no number of seconds since 1970",
            "webhook-timestamp – не число секунд с 1970 года",
        )
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        return Fault(
            "webhook-timestamp lies more than 5 minutes from our clock",
            "webhook-timestamp отличается от наших часов больше чем на 5 минут",
        )
    signed = f"{identity}.{timestamp}.".encode("utf-8", "surrogateescape") + body
    shown = list(_shown(signatures))
    for secret in secrets:
        expected = hmac.new(secret, signed, hashlib.sha256).digest()
        if any(hmac.compare_digest(expected, one) for one in shown):
            return None
    return Fault("the signature is wrong", "подпись неверна")


def _shown(signatures: str) -> Iterable[bytes]:
    for part in signatures.split(" ")[:10]:
        version, _, text = part.partition(",")
        if version == "v1":
            try:
                yield base64.b64decode(text, validate=True)
            except (binascii.Error, ValueError):
                continue
