"""Money as whole minor units: decimal text in, integers inside, no float anywhere."""

import re
from collections.abc import Mapping
from typing import Final

from otklik_common.errors import Unprocessable

_TWO: Final = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD "
    "CAD CDF CHE CHF CHW CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS "
    "GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD "
    "LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN "
    "PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL "
    "THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
)
_NONE: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE: Final = "BHD IQD JOD KWD LYD OMR TND"
_FOUR: Final = "CLF UYW"

EXPONENTS: Final[Mapping[str, int]] = {
    code: digits
    for digits, codes in ((2, _TWO), (0, _NONE), (3, _THREE), (4, _FOUR))
    for code in codes.split()
}
"""Decimals of each currency's minor unit. Source: ISO 4217, list one; without metals and tests."""

AMOUNT = re.compile(r"^(0|[1-9][0-9]{0,14})(?:\.([0-9]+))?$")
MOST_MINOR = 10**15
"""The largest amount of one line: 500 of them fit a bigint some eighteen times over."""


class UnknownCurrency(Unprocessable):
    """The code is not a currency of ISO 4217."""

    code = "unknown_currency"

    def __init__(self, currency: str) -> None:
        super().__init__(
            f"currency {currency[:10]!r} is not in ISO 4217",
            detail_ru=f"валюты {currency[:10]!r} нет в ISO 4217",
        )


class BadAmount(Unprocessable):
    """The text is not a plain decimal number from 0 to 10¹⁵ minor units."""

    code = "bad_amount"

    def __init__(self, text: str) -> None:
        super().__init__(
            f"amount {text[:40]!r} is not a plain decimal number of at most {MOST_MINOR} minor units",
            detail_ru=f"сумма {text[:40]!r} – не десятичное число до {MOST_MINOR} минимальных единиц",
        )


class TooManyDecimals(Unprocessable):
    """The amount is finer than the currency's smallest coin."""

    code = "too_many_decimals"

    def __init__(self, text: str, currency: str) -> None:
        digits = EXPONENTS[currency]
        super().__init__(
            f"amount {text[:40]!r} has more than the {digits} decimals of {currency}",
            detail_ru=f"в сумме {text[:40]!r} больше {digits} знаков, чем есть у {currency}",
        )


def exponent(currency: str) -> int:
    """Decimals of a currency's minor unit, 0 to 4. Raises UnknownCurrency."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise UnknownCurrency(currency) from None


def minor_units(text: str, currency: str) -> int:
    """
    The amount in minor units, exactly.

    Args:
        text: Digits with an optional point: `57000.00`, `0.5`, `12`; no sign, no exponent.
    Returns:
        0 to 10¹⁵.
    Raises:
        UnknownCurrency: `currency` is not in ISO 4217.
        TooManyDecimals: Finer than the currency allows; never rounded.
        BadAmount: Not a plain decimal number, negative, or too large.
    """
    digits = exponent(currency)
    found = AMOUNT.fullmatch(text)
    if found is None:
        raise BadAmount(text)
    fraction = found[2] or ""
    if len(fraction) > digits:
        raise TooManyDecimals(text, currency)
    minor = int(found[1] + fraction.ljust(digits, "0"))
    if minor > MOST_MINOR:
        raise BadAmount(text)
    return minor


def decimal_text(minor: int, currency: str) -> str:
    """The amount as people write it: 5700000 kopecks are `57000.00`. Raises UnknownCurrency."""
    digits = exponent(currency)
    sign, whole = ("-", -minor) if minor < 0 else ("", minor)
    if digits == 0:
        return f"{sign}{whole}"
    return f"{sign}{whole // 10**digits}.{whole % 10**digits:0{digits}}"
