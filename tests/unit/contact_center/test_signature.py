"""Signatures of incoming pushes, held to the standard's own library."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from otklik_contact_center.domain.signature import fault, secret_text

SECRET = b"s" * 32
OTHER = b"o" * 32
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BODY = '{"id":"é"}'


def signed(*secrets: bytes, at: datetime = NOW) -> dict[str, str]:
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(
            Webhook(secret_text(secret)).sign("msg_1", at, BODY) for secret in secrets
        ),
    }


def judge(headers: dict[str, str], body: str = BODY) -> str | None:
    found = fault(headers, body.encode(), secrets=[SECRET], now=NOW)
    assert found is None or re.search("[а-я]", found.ru)
    return None if found is None else found.en


def test_what_the_library_signs_is_signed() -> None:
    assert judge(signed(SECRET)) is None


def test_one_good_signature_among_others_is_enough() -> None:
    assert judge(signed(OTHER, SECRET)) is None
    both = fault(signed(OTHER), BODY.encode(), secrets=[SECRET, OTHER], now=NOW)
    assert both is None


def test_another_secret_body_id_or_time_is_forged() -> None:
    good = signed(SECRET)
    assert judge(signed(OTHER)) == "the signature is wrong"
    assert judge(good, BODY + " ") == "the signature is wrong"
    assert judge({**good, "webhook-id": "msg_2"}) == "the signature is wrong"
    later = str(int(good["webhook-timestamp"]) + 1)
    assert judge({**good, "webhook-timestamp": later}) == "the signature is wrong"


@pytest.mark.parametrize("seconds", [-301, 301])
def test_an_old_signature_proves_nothing(seconds: int) -> None:
    at = NOW + timedelta(seconds=seconds)
    assert (
        judge(signed(SECRET, at=at)) == "webhook-timestamp lies more than 5 minutes from our clock"
    )


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_every_header_is_needed(name: str) -> None:
    assert judge({**signed(SECRET), name: ""}) == f"the header {name} is missing"


@pytest.mark.parametrize("timestamp", ["-1", "1e9", "١٢٣", "9" * 13, "x"])
def test_a_malformed_time_is_refused(timestamp: str) -> None:
    assert judge({**signed(SECRET), "webhook-timestamp": timestamp}) == (
        "webhook-timestamp is no number of seconds since 1970"
    )


@pytest.mark.parametrize("signature", ["v1", "v1,", "v1,!!!", "v2,AAAA", "v1,é", ", ,"])
def test_a_malformed_signature_is_wrong(signature: str) -> None:
    assert judge({**signed(SECRET), "webhook-signature": signature}) == "the signature is wrong"
