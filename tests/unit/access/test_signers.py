"""Which key signs, and when the next one is due."""

from datetime import UTC, datetime, timedelta

from otklik_access.domain.signers import (
    HEARD_AFTER,
    LIFE,
    RENEWED_AFTER,
    Signer,
    due,
    signing,
)
from otklik_common.events.access import KeyPurpose

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SESSION = KeyPurpose.SESSION


def a_signer(key_id: str, age: timedelta, purpose: KeyPurpose = SESSION) -> Signer:
    made = NOW - age
    return Signer(key_id, purpose, "public", created_at=made, expires_at=made + LIFE)


def test_a_company_s_first_key_signs_at_once() -> None:
    first = a_signer("first", timedelta())
    assert signing([first], SESSION, NOW) == first


def test_a_new_key_signs_once_every_service_has_heard_of_it() -> None:
    old = a_signer("old", RENEWED_AFTER)
    unheard = a_signer("new", HEARD_AFTER - timedelta(seconds=1))
    heard = a_signer("new", HEARD_AFTER)
    assert signing([unheard, old], SESSION, NOW) == old
    assert signing([heard, old], SESSION, NOW) == heard


def test_a_dead_key_and_one_for_another_purpose_sign_nothing() -> None:
    dead, other = a_signer("dead", LIFE), a_signer("other", HEARD_AFTER, KeyPurpose.CUSTOMER)
    assert signing([dead, other], SESSION, NOW) is None


def test_a_token_never_outlives_what_proves_it() -> None:
    """The successor takes over long before the key's end, so its last tokens end before it."""
    assert timedelta(minutes=10) < LIFE - RENEWED_AFTER - HEARD_AFTER


def test_the_next_key_is_due_after_half_a_life() -> None:
    assert due([], SESSION, NOW)
    assert due([a_signer("a", timedelta(), KeyPurpose.CUSTOMER)], SESSION, NOW)
    assert not due([a_signer("a", RENEWED_AFTER - timedelta(seconds=1))], SESSION, NOW)
    assert due([a_signer("a", RENEWED_AFTER)], SESSION, NOW)
    assert not due([a_signer("a", RENEWED_AFTER), a_signer("b", timedelta(days=1))], SESSION, NOW)


def test_a_fact_of_a_signer_holds_its_public_half_alone() -> None:
    fact = a_signer("a", timedelta()).fact()
    assert (fact.public_key, fact.digest, fact.scopes) == ("public", None, ())
