"""Pseudonyms are equal for equal people of one company, and for nobody else."""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_common.pseudonym import (
    Pseudonyms,
    Sealer,
    Unsealable,
    _parse,
    derive,
    derive_password,
    e164,
    plain_email,
)

MASTER = bytes(range(32))
FACT_PATTERN = re.compile(r"^(ph|em|x)\d+_[A-Za-z0-9_-]{20,64}$")


def by_phonenumbers(text: str, region: str) -> str | None:
    """E.164 by the library alone, without any of our shortcuts."""
    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    reason = phonenumbers.is_possible_number_with_reason(parsed)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:  # a local one says no area
        return None
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


digits = st.text("0123456789", min_size=10, max_size=10)
plain = st.builds(str.__add__, st.sampled_from(["+7", "8", "7", "+1", "+49", ""]), digits)


@given(plain, st.sampled_from(["RU", "KZ", "DE", "US"]))
def test_the_short_way_agrees_with_phonenumbers(text: str, region: str) -> None:
    assert e164(text, region) == by_phonenumbers(text, region)


separators = st.sampled_from(["", " ", "-", " (", ") ", ".", "\u00a0", "\u2011"])


@given(digits, st.lists(separators, min_size=10, max_size=10), st.sampled_from(["+7", "8"]))
def test_separators_change_nobody(number: str, between: list[str], prefix: str) -> None:
    written = prefix + "".join(map(str.__add__, between, number))
    if prefix == "8" and number.startswith("10"):
        return  # 810 begins an international call
    assert e164(written, "RU") == e164("+7" + number)


@given(st.text(max_size=40), st.sampled_from(["RU", "XX", ""]))
def test_any_text_is_a_number_or_none(text: str, region: str) -> None:
    number = e164(text, region)
    assert number is None or re.fullmatch(r"\+[1-9][0-9]{3,14}", number)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+79991234567", "+79991234567"),
        ("8 (999) 123-45-67", "+79991234567"),
        ("9991234567", "+79991234567"),
        ("79991234567", "+79991234567"),
        (" +7 999 123 45 67 ", "+79991234567"),
        ("+7 999 123-45-67 доб. 12", "+79991234567"),
        ("+79991234567,12", "+79991234567"),
        ("tel:+7-999-123-45-67;ext=5", "+79991234567"),
        ("sip:+79991234567@pbx.example;user=phone", "+79991234567"),
        ("SIP/79991234567-0000a1b2", "+79991234567"),
        ("Local/89991234567@from-internal-00000001;1", "+79991234567"),
        ("８９９９１２３４５６７", "+79991234567"),
        ("+77011234567", "+77011234567"),
        ("810 49 30 1234567", "+49301234567"),
        ("+1 650 253 0000", "+16502530000"),
        ("SIP/101-00000012", None),
        ("PJSIP/trunk-00000012", None),
        ("anonymous", None),
        ("Restricted", None),
        ("unavailable", None),
        ("+266696687", None),
        ("266696687", None),
        ("112", None),
        ("0", None),
        ("101", None),
        ("", None),
        ("+", None),
        ("+7999", None),
        ("88-800-FLOWERS", None),
        ("petrova1984", None),
        ("+7999123456789012345", None),
    ],
)
def test_a_phone_in_many_forms(text: str, expected: str | None) -> None:
    assert e164(text, "RU") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ivan.Petrov+tag@Example.COM", "ivan.petrov+tag@example.com"),
        (" a@b.ru ", "a@b.ru"),
        ("Иван@Пример.РФ", "иван@xn--e1afmkfd.xn--p1ai"),
        ("i@bücher.example", "i@xn--bcher-kva.example"),
        ("e\u0301@b.ru", "é@b.ru"),
        ("a@b.ru.", "a@b.ru"),
        ("a@b", None),
        ("a b@c.ru", None),
        ("a@@b.ru", None),
        ("@b.ru", None),
        ("a@", None),
        ("a@-.ru", None),
        ("x" * 65 + "@b.ru", None),
        ("a\x00@b.ru", None),
        ("", None),
    ],
)
def test_an_email_in_many_forms(text: str, expected: str | None) -> None:
    assert plain_email(text) == expected


@given(st.emails())
def test_emails_keep_their_form(address: str) -> None:
    found = plain_email(address)
    assert found is not None
    assert plain_email(found) == found


def test_a_pseudonym_is_kind_version_and_hmac() -> None:
    told = Pseudonyms(MASTER, 3).phone("demo2abc", "8 999 123-45-67")
    key = derive(MASTER, "pseudonym", "ph", "demo2abc", "3")
    digest = hmac.digest(key, b"+79991234567", hashlib.sha256)[:24]
    assert told == f"ph3_{urlsafe_b64encode(digest).decode()}"
    assert FACT_PATTERN.match(told)


def test_identifiers_stand_in_the_order_of_their_strength() -> None:
    pseudonyms = Pseudonyms(MASTER)
    told = pseudonyms.identifiers(
        "demo2abc", external_id=" 17 ", email="a@b.ru", phone="+79991234567"
    )
    assert [one[:3] for one in told] == ["ph1", "em1", "x1_"]
    assert all(FACT_PATTERN.match(one) for one in told)
    assert told[2] == pseudonyms.external("demo2abc", "17")
    assert pseudonyms.identifiers("demo2abc", phone="112", email="x", external_id="  ") == ()
    assert pseudonyms.identifiers("demo2abc") == ()


def test_company_version_kind_and_master_part_people() -> None:
    told = {
        Pseudonyms(MASTER).external("demo2abc", "+79991234567"),
        Pseudonyms(MASTER).phone("demo2abc", "+79991234567"),
        Pseudonyms(MASTER).phone("other2ab", "+79991234567"),
        Pseudonyms(MASTER, 2).phone("demo2abc", "+79991234567"),
        Pseudonyms(MASTER[::-1]).phone("demo2abc", "+79991234567"),
    }
    assert len(told) == 5


def test_numbers_parsed_once_are_remembered() -> None:
    _parse.cache_clear()
    for _ in range(3):
        Pseudonyms(MASTER).phone("demo2abc", "+7 999 000-00-01")
        Pseudonyms(MASTER).phone("demo2abc", "+79990000001")
    assert (_parse.cache_info().misses, _parse.cache_info().hits) == (1, 2)


# --- Keys and sealed values ---------------------------------------------------------------------


def test_derived_keys_never_change() -> None:
    """The database's passwords and everything encrypted hang on these bytes."""
    assert derive(MASTER, "a", "b").hex() == KNOWN
    assert derive(MASTER, "a", "bc") != derive(MASTER, "ab", "c")
    assert derive(MASTER, "a") != derive(MASTER, "a", "")
    password = derive_password(MASTER, "otklik_feedback_api")
    assert re.fullmatch("[0-9a-f]{64}", password)
    assert password != derive_password(MASTER, "otklik_feedback_worker")


KNOWN = "c38234996f00aa5f926f53c4e71d9d19c774e579dccfadb05c0ce6cb96a6d754"


@given(st.text(max_size=200))
def test_what_is_sealed_opens(text: str) -> None:
    text = text.encode("utf-8", "ignore").decode()
    sealer = Sealer(MASTER)
    sealed = sealer.seal("demo2abc", "customer.name", text)
    assert sealer.open("demo2abc", "customer.name", sealed) == text
    assert sealed != sealer.seal("demo2abc", "customer.name", text)


def test_sealed_values_open_only_where_they_belong() -> None:
    sealer = Sealer(MASTER)
    sealed = sealer.seal("demo2abc", "customer.name", "Петрова")
    assert "Петрова".encode() not in sealed
    wrong = [
        ("other2ab", "customer.name", sealed),
        ("demo2abc", "customer.email", sealed),
        ("demo2abc", "customer.name", sealed[:-1]),
        ("demo2abc", "customer.name", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        ("demo2abc", "customer.name", b"\x02" + sealed[1:]),
        ("demo2abc", "customer.name", b"\x00" + sealed[1:]),
        ("demo2abc", "customer.name", b""),
        ("demo2abc", "customer.name", sealed[:20]),
    ]
    for tenant, purpose, value in wrong:
        with pytest.raises(Unsealable):
            sealer.open(tenant, purpose, value)


def test_values_of_an_older_key_version_still_open() -> None:
    old = Sealer(MASTER, 1).seal("demo2abc", "customer.name", "Петрова")
    new = Sealer(MASTER, 2)
    assert new.open("demo2abc", "customer.name", old) == "Петрова"
    assert new.seal("demo2abc", "customer.name", "Петрова")[0] == 2
