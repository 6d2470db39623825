"""Our words that tell a feeling, and those that change it, read once from the files beside."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final

from otklik_feedback.domain.text.phrases import Phrases

READER: Final = 1
"""Rises whenever texts are read by other rules: then all are read again."""

_WORDS: Final = ("sentiment.ru.tsv", "sentiment.en.tsv")
_MODIFIERS: Final = "modifiers.tsv"
_EMOJI: Final = "emoji.tsv"


@dataclass(frozen=True, slots=True)
class Lexicon:
    """
    What tells a feeling.

    Attributes:
        words: Phrases with weights from -3 to 3; 0 hides a shorter phrase in it.
        signs: Weights of emoji and smiles.
        negations, boosts, damps, turns, asides, onlys: Forms of words; those that boost or damp
            and those that open a clause have their factor.
    """

    words: Phrases[float]
    signs: dict[str, float]
    negations: frozenset[str]
    boosts: dict[str, float]
    damps: dict[str, float]
    turns: dict[str, float]
    asides: dict[str, float]
    onlys: frozenset[str]


@lru_cache(1)
def lexicon() -> Lexicon:
    """The words that come with this build."""
    kinds: dict[str, dict[str, float]] = {}
    for kind, factor, listed in _rows(_MODIFIERS):
        words = (word.strip() for word in listed.split(","))
        kinds.setdefault(kind, {}).update(dict.fromkeys(words, float(factor)))
    signs = {sign: float(weight) for weight, listed in _rows(_EMOJI) for sign in listed.split()}
    return Lexicon(
        words=Phrases(weighted()),
        signs=signs,
        negations=frozenset(kinds["negate"]),
        boosts=kinds["boost"],
        damps=kinds["damp"],
        turns=kinds["turn"],
        asides=kinds["aside"],
        onlys=frozenset(kinds["only"]),
    )


def weighted() -> Iterator[tuple[str, float]]:
    """Every phrase of both languages with its weight."""
    for name in _WORDS:
        for weight, listed in _rows(name):
            for phrase in listed.split(","):
                yield phrase.strip(), float(weight)


def data(name: str) -> str:
    """A file of words of this build."""
    return files(__package__).joinpath("data", name).read_text(encoding="utf-8")


def _rows(name: str) -> Iterator[list[str]]:
    for line in data(name).splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


@lru_cache(1)
def version() -> str:
    """Of these words and of the rules that use them; costs no dictionary."""
    found = hashlib.sha256()
    for name in (*_WORDS, _MODIFIERS, _EMOJI):
        found.update(data(name).encode())
    return f"{READER}-{found.hexdigest()[:8]}"
