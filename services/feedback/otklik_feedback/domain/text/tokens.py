"""From a text as it came to its words: without markup, with the places where they stand."""

import html
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Final

MOST_CHARACTERS: Final = 20_000
"""What is read of a text; what comes after is left out, and the reading says so."""

_MARKS: Final = "\u0300-\u036f"
_UNSEEN: Final = "\u00ad\u200b-\u200f\u202a-\u202e\u2060\ufeff"
_LETTER: Final = rf"[^\W\d_][{_MARKS}{_UNSEEN}]*"
_WORD: Final = rf"(?:{_LETTER})+(?:['’ʼ-](?:{_LETTER})+)*"
_EMOJI: Final = "[\u2600-\u27bf\u2b50\u274c\U0001f300-\U0001faff]"
_SMILE: Final = r"[:;=]-?[)(D]+|\^_\^|\){2,}|\({2,}"
_STOP: Final = r"(?<!\d)[.!?…]+|[.!?…]+(?!\d)|\n"
_PAUSE: Final = r"[,;:()—–]|(?<=\s)-(?=\s)"
_PARTS: Final = re.compile(
    rf"(?P<smile>{_SMILE})|(?P<word>{_WORD})|(?P<emoji>{_EMOJI})"
    rf"|(?P<stop>{_STOP})|(?P<pause>{_PAUSE})"
)
_MARKUP: Final = re.compile(
    r"(?P<block><(?P<name>script|style)\b.*?(?:</(?P=name)\s*>|\Z))"
    r"|(?P<tag></?[a-z!][^<>]{0,500}>)"
    r"|(?P<sign>&(?:\#\d{1,7}|\#x[0-9a-f]{1,6}|[a-z]{2,31});)"
    r"|(?P<link>https?://[^\s<>]+|[^\s@<>]{1,64}@[^\s@<>]{1,255})",
    re.IGNORECASE | re.DOTALL,
)
_SAID_LONG: Final = re.compile(r"(.)\1{2,}")
_GONE: Final = re.compile(f"[{_UNSEEN}]")


@dataclass(frozen=True, slots=True)
class Token:
    """
    A word, an emoji or a smile.

    Attributes:
        form: In small letters, without ё and without signs that nobody sees.
        start, end: Where it stands in the text as it came, in characters; `end` is exclusive.
        sentence, clause: Numbers from 0; a clause ends at a comma and the like as well.
    """

    form: str
    start: int
    end: int
    sentence: int
    clause: int


@dataclass(frozen=True, slots=True)
class Split:
    """
    The words of a text.

    Attributes:
        calls: Exclamation marks.
        cut: Whether more than `MOST_CHARACTERS` came, of which the rest was not read.
    """

    tokens: tuple[Token, ...]
    calls: int
    cut: bool


def split(text: str) -> Split:
    """The words of any text, however broken; never raises."""
    read = text[:MOST_CHARACTERS]
    plain, place = _without_markup(read)
    found: list[Token] = []
    sentence = clause = calls = 0
    for part in _PARTS.finditer(plain):
        kind = part.lastgroup
        if kind == "stop":
            calls += part.group().count("!")
            sentence += 1
            clause += 1
        elif kind == "pause":
            clause += 1
        else:
            start, end = place(part.start()), place(part.end() - 1) + 1
            form = part.group() if kind == "smile" else form_of(part.group())
            if form:
                found.append(Token(form, start, end, sentence, clause))
    return Split(tuple(found), calls, len(text) > MOST_CHARACTERS)


@lru_cache(50_000)
def form_of(word: str) -> str:
    """A word as words are compared: small letters, е for ё, composed, nothing unseen."""
    seen = unicodedata.normalize("NFC", _GONE.sub("", word)).lower()
    return seen.replace("ё", "е").replace("’", "'").replace("ʼ", "'")


def shortened(form: str) -> tuple[str, ...]:
    """What a word with letters drawn out may have been: once, and twice; empty if none is."""
    if not _SAID_LONG.search(form):
        return ()
    return _SAID_LONG.sub(r"\1", form), _SAID_LONG.sub(r"\1\1", form)


def _without_markup(text: str) -> tuple[str, Callable[[int], int]]:
    if "<" not in text and "&" not in text and "@" not in text and "://" not in text:
        return text, _same
    pieces: list[str] = []
    sources: list[int] = []
    done = 0
    for found in _MARKUP.finditer(text):
        pieces += [text[done : found.start()], _instead(found)]
        sources += [done, found.start()]
        done = found.end()
    pieces.append(text[done:])
    sources.append(done)
    begins = [0, *accumulate(len(piece) for piece in pieces)][:-1]
    last = len(text) - 1

    def place(at: int) -> int:
        # Of pieces that begin at one place only the last has anything in it.
        number = bisect_right(begins, at) - 1
        return min(sources[number] + at - begins[number], last)

    return "".join(pieces), place


def _instead(found: re.Match[str]) -> str:
    if found["sign"] is not None:
        return html.unescape(found["sign"])
    if found["tag"] is not None and found["tag"].lower().startswith(
        ("<br", "</p", "</div", "</li")
    ):
        return "\n"
    return " "


def _same(at: int) -> int:
    return at
