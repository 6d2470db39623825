"""Money stands as whole minor units, exactly, or is refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_common.money import (
    EXPONENTS,
    MOST_MINOR,
    BadAmount,
    TooManyDecimals,
    UnknownCurrency,
    decimal_text,
    exponent,
    minor_units,
)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("57000.00", "RUB", 5_700_000),
        ("57000", "RUB", 5_700_000),
        ("0.5", "RUB", 50),
        ("0", "RUB", 0),
        ("1234", "JPY", 1234),
        ("1.234", "KWD", 1234),
        ("1.2345", "CLF", 12345),
    ],
)
def test_an_amount_is_exact_minor_units(text: str, currency: str, minor: int) -> None:
    assert minor_units(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency"), [("0.001", "RUB"), ("1.0", "JPY"), ("1.2340", "KWD"), ("1.000", "USD")]
)
def test_more_decimals_than_the_currency_has_are_refused(text: str, currency: str) -> None:
    with pytest.raises(TooManyDecimals, match=currency):
        minor_units(text, currency)


@pytest.mark.parametrize(
    "text",
    ["", "-1", "+1", "1e3", "1,5", ".5", "5.", " 1", "1\n", "٣", "0x1", "NaN", "01", "9" * 16],
)
def test_anything_but_a_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(BadAmount):
        minor_units(text, "RUB")


def test_an_amount_beyond_the_largest_is_refused() -> None:
    assert minor_units("10000000000000.00", "RUB") == MOST_MINOR
    with pytest.raises(BadAmount, match=str(MOST_MINOR)):
        minor_units("10000000000000.01", "RUB")


@pytest.mark.parametrize("code", ["rub", "RUR", "XAU", "XXX", ""])
def test_a_code_outside_iso_4217_is_refused(code: str) -> None:
    with pytest.raises(UnknownCurrency):
        exponent(code)


@given(st.sampled_from(sorted(EXPONENTS)), st.integers(0, MOST_MINOR))
def test_written_and_read_again_it_is_the_same(currency: str, minor: int) -> None:
    text = decimal_text(minor, currency)
    assert minor_units(text, currency) == minor
    assert Decimal(text).scaleb(EXPONENTS[currency]) == minor


def test_an_amount_below_zero_is_written_with_its_sign() -> None:
    assert decimal_text(-5, "RUB") == "-0.05"
