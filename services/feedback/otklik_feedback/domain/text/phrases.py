"""
Phrases and where they stand in a text.

A phrase is one to five words in their order. `word` is any form of it, `=word` this form alone,
`word*` whatever begins so, `a|b` either. Between two of its words at most two others may stand.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from otklik_common.errors import Unprocessable
from otklik_feedback.domain.text.lemmas import (
    MOST_LETTERS,
    is_cyrillic,
    is_known,
    keys_of,
    meant_by,
)
from otklik_feedback.domain.text.tokens import Token, form_of

T = TypeVar("T")

MOST_WORDS: Final = 5
MOST_EITHER: Final = 12
MOST_PHRASE: Final = 200
LEAST_BEGINNING: Final = 3
MOST_BETWEEN: Final = 2

LEAST_MISSPELT: Final = 6
"""Letters of a word that may have one of them wrong; of a Latin one, one more."""

MOST_REMEMBERED: Final = 50_000

_WORD: Final = re.compile(r"=?[^\W\d_]+(?:['-][^\W\d_]+)*|[^\W\d_]+(?:['-][^\W\d_]+)*\*")
_DOUBLE: Final = re.compile(r"(.)\1")


class BadPhrase(Unprocessable):
    """Words that are no phrase."""

    code = "bad_phrase"


@dataclass(frozen=True, slots=True)
class Hit(Generic[T]):
    """
    A phrase that was found.

    Attributes:
        places: Numbers of the tokens that are its words, rising.
    """

    what: T
    places: tuple[int, ...]

    @property
    def first(self) -> int:
        """The token that it begins with."""
        return self.places[0]

    @property
    def last(self) -> int:
        """The token that it ends with."""
        return self.places[-1]


def parse(phrase: str) -> tuple[tuple[str, ...], ...]:
    """
    The words of a phrase, each with what may stand for it.

    Raises:
        BadPhrase: No words, too many, or signs that mean nothing here.
    """
    words = tuple(
        tuple(form_of(each) for each in word.split("|")) for word in phrase[:MOST_PHRASE].split()
    )
    plain = len(phrase) <= MOST_PHRASE and 1 <= len(words) <= MOST_WORDS
    if not plain or not all(_is_sound(word) for word in words):
        raise BadPhrase(
            f"{phrase[:100]!r} is no phrase: give one to {MOST_WORDS} words of letters, as `late`,"
            f" `=late`, `late*` (at least {LEAST_BEGINNING} letters) or `late|slow`",
            detail_ru=f"{phrase[:100]!r} не фраза: нужно от одного до {MOST_WORDS} слов из букв, как"
            f" `поздно`, `=поздно`, `поздн*` (не меньше {LEAST_BEGINNING} букв) или `поздно|долго`",
        )
    return words


def _is_sound(word: Sequence[str]) -> bool:
    return len(word) <= MOST_EITHER and all(
        _WORD.fullmatch(each) is not None
        and (not each.endswith("*") or len(each) > LEAST_BEGINNING)
        for each in word
    )


class Phrases(Generic[T]):
    """
    Many phrases, looked for at once.

    What a word may be is remembered, for texts repeat words; threads may share an object.
    """

    def __init__(self, phrases: Iterable[tuple[str, T]]) -> None:
        """
        Args:
            phrases: Each with what is told of it.
        Raises:
            BadPhrase: One of them is none.
        """
        self._atoms: dict[str, int] = {}
        self._exact: dict[str, list[int]] = defaultdict(list)
        self._any: dict[str, list[int]] = defaultdict(list)
        self._beginnings: dict[str, list[tuple[str, int]]] = defaultdict(list)
        self._by_first: dict[int, list[tuple[tuple[frozenset[int], ...], T]]] = defaultdict(list)
        self._near: dict[str, list[str]] = defaultdict(list)
        self._remembered: dict[str, frozenset[int]] = {}
        for phrase, what in phrases:
            words = parse(phrase)
            first, *rest = (frozenset(self._atom(each) for each in word) for word in words)
            for atom in first:
                self._by_first[atom].append((tuple(rest), what))
            if len(words) == 1:
                self._may_be_misspelt(words[0])

    def find(self, tokens: Sequence[Token]) -> Iterator[Hit[T]]:
        """Every phrase wherever it begins, in the order of its beginning."""
        atoms = [self.atoms_of(token.form) for token in tokens]
        there = frozenset().union(*atoms)
        for place, found in enumerate(atoms):
            for atom in found:
                for rest, what in self._by_first.get(atom, ()):
                    if rest and there.isdisjoint(rest[0]):
                        continue  # most phrases end here, and cheaply
                    places = self._rest(tokens, atoms, place, rest)
                    if places is not None:
                        yield Hit(what, (place, *places))

    def atoms_of(self, form: str) -> frozenset[int]:
        """Numbers of the words of phrases that this word may be."""
        known = self._remembered.get(form)
        if known is None:
            if len(self._remembered) >= MOST_REMEMBERED:
                self._remembered.clear()
            known = self._remembered[form] = self._looked_up(form)
        return known

    def _rest(
        self,
        tokens: Sequence[Token],
        atoms: Sequence[frozenset[int]],
        place: int,
        rest: Sequence[frozenset[int]],
    ) -> tuple[int, ...] | None:
        if not rest:
            return ()
        sentence = tokens[place].sentence
        for after in range(place + 1, min(place + 2 + MOST_BETWEEN, len(tokens))):
            if tokens[after].sentence != sentence:
                return None
            if atoms[after].isdisjoint(rest[0]):
                continue
            more = self._rest(tokens, atoms, after, rest[1:])
            if more is not None:
                return (after, *more)
        return None

    def _atom(self, word: str) -> int:
        known = self._atoms.get(word)
        if known is not None:
            return known
        number = self._atoms[word] = len(self._atoms)
        if word.startswith("="):
            self._exact[word[1:]].append(number)
        elif word.endswith("*"):
            self._beginnings[word[:LEAST_BEGINNING]].append((word[:-1], number))
        else:
            for key in meant_by(word):
                self._any[key].append(number)
        return number

    def _looked_up(self, form: str) -> frozenset[int]:
        keys = keys_of(form)
        found = self._under(form, keys)
        if not found and LEAST_MISSPELT <= len(form) <= MOST_LETTERS:
            found = {
                number for key in self._misspelt(form, keys) for number in self._any.get(key, ())
            }
        return frozenset(found)

    def _under(self, form: str, keys: Iterable[str]) -> set[int]:
        found = set(self._exact.get(form, ()))
        for key in keys:
            found.update(self._any.get(key, ()))
            for beginning, number in self._beginnings.get(key[:LEAST_BEGINNING], ()):
                if key.startswith(beginning):
                    found.add(number)
        return found

    def _may_be_misspelt(self, word: Iterable[str]) -> None:
        for each in word:
            if each.startswith("=") or each.endswith("*"):
                continue
            for key in meant_by(each):
                if len(key) >= _least(key):
                    for part in _shorter(_single(key)):
                        self._near[part].append(key)

    def _misspelt(self, form: str, keys: Iterable[str]) -> set[str]:
        if is_cyrillic(form) and is_known(form):
            return set()
        return {
            candidate
            for key in keys
            if len(key) >= _least(key)
            for part in _shorter(_single(key))
            for candidate in self._near.get(part, ())
            if candidate[0] == key[0] and _within_one(_single(candidate), _single(key))
        }


def _least(key: str) -> int:
    return LEAST_MISSPELT if is_cyrillic(key) else LEAST_MISSPELT + 1


def _single(word: str) -> str:
    return _DOUBLE.sub(r"\1", word)


def _shorter(word: str) -> set[str]:
    return {word} | {word[:at] + word[at + 1 :] for at in range(len(word))}


def _within_one(one: str, other: str) -> bool:
    """Whether one letter more, less, other, or two that changed places make them the same."""
    if abs(len(one) - len(other)) > 1:
        return False
    at = 0
    while at < min(len(one), len(other)) and one[at] == other[at]:
        at += 1
    a, b = one[at:], other[at:]
    return (
        a == b
        or a[1:] == b
        or a == b[1:]
        or a[1:] == b[1:]
        or (a[:2] == b[1::-1] and len(b) > 1 and a[2:] == b[2:])
    )
