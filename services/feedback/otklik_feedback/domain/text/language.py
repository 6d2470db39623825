"""Which language a text is in, as far as it matters here: Russian, English, or another one."""

from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Final

from otklik_feedback.domain.text.lemmas import is_cyrillic, is_latin
from otklik_feedback.domain.text.lexicon import data
from otklik_feedback.domain.text.tokens import Token

MANY_WORDS: Final = 4
"""Of so many Latin words, one at least must be a common English one."""

MOST_FOREIGN: Final = 0.1
"""Words with letters that Russian and English do not have."""

_FOREIGN: Final = frozenset(
    "іїєґўјљњћђџәғқңөұүһàâäãáåæçèéêëìíîïñòóôöõøœßùúûüýÿčćđšžłńśźżğışāēīūőűřťů"
)


class Language(StrEnum):
    """The language of a text."""

    RU = "ru"
    EN = "en"
    OTHER = "other"
    """One that is not read."""

    NONE = "none"
    """No words at all; signs may still tell a feeling."""


def guess(tokens: Sequence[Token], *, found: bool = False) -> Language:
    """
    The language of most of the letters.

    Args:
        found: Whether phrases were found in it, which no other language has.
    """
    russian = sum(len(each.form) for each in tokens if is_cyrillic(each.form))
    latin = [each.form for each in tokens if is_latin(each.form)]
    english = sum(map(len, latin))
    words = [each.form for each in tokens if each.form[0].isalpha()]
    foreign = sum(not _FOREIGN.isdisjoint(form) for form in words)
    if not words:
        return Language.NONE
    if foreign > MOST_FOREIGN * len(words) or not russian + english:
        return Language.OTHER
    if russian >= english:
        return Language.RU
    if len(latin) >= MANY_WORDS and not found and _common().isdisjoint(latin):
        return Language.OTHER
    return Language.EN


@lru_cache(1)
def _common() -> frozenset[str]:
    lines = data("common.en.txt").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())
