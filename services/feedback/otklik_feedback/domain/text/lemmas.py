"""The forms under which a word is looked up: lemmas of Russian words, stems of English ones."""

import re
from functools import lru_cache
from threading import Lock
from typing import Any, Final

from otklik_feedback.domain.text.tokens import shortened

MOST_PARSES: Final = 3
MOST_LETTERS: Final = 40
"""Longer ones are no words; nothing is asked about them."""

_CYRILLIC: Final = re.compile("[а-я]")
# A stemmer works in itself: two threads at once spoil each other's words.
_one_at_a_time: Final = Lock()
_LATIN: Final = re.compile("[a-z]")


@lru_cache(1)
def _russian() -> Any:
    # Some 37 MB and a third of a second: only for those who read words.
    from pymorphy3 import MorphAnalyzer

    return MorphAnalyzer(lang="ru")


@lru_cache(1)
def _english() -> Any:
    from snowballstemmer import stemmer

    return stemmer("english")


def is_cyrillic(form: str) -> bool:
    """Whether a word is written in Russian letters, at least in part."""
    return _CYRILLIC.search(form) is not None


def is_latin(form: str) -> bool:
    """Whether a word is written in English letters, at least in part."""
    return _LATIN.search(form) is not None


def keys_of(form: str) -> tuple[str, ...]:
    """All that a word of a text may be looked up under, the word itself first; no doubles."""
    found = [form]
    for said in (form, *shortened(form)):
        found += [said, *_lemmas(said, MOST_PARSES)]
    return tuple(dict.fromkeys(found))


def meant_by(form: str) -> tuple[str, ...]:
    """What a word of a phrase stands for: itself and its likeliest lemma."""
    return tuple(dict.fromkeys((form, *_lemmas(form, 1))))


def is_known(form: str) -> bool:
    """Whether the dictionary has this Russian word."""
    with _one_at_a_time:
        return bool(_russian().word_is_known(form))


def _lemmas(form: str, most: int) -> list[str]:
    if len(form) > MOST_LETTERS:
        return []
    with _one_at_a_time:
        return _looked_up(form, most)


def _looked_up(form: str, most: int) -> list[str]:
    if is_cyrillic(form):
        parses = _russian().parse(form)[:most]
        return [parse.normal_form.replace("ё", "е") for parse in parses]
    if is_latin(form):
        return [_english().stemWord(form)]
    return []
