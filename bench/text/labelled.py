"""Texts with the feeling and the topics that a person finds in them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

LABELLED: Final = Path(__file__).with_name("labelled.tsv")

PARTS: Final = {
    "dev": "development",
    "held": "held out",
    "fresh": "fresh",
    "indirect": "indirect",
}
"""What the parts are called; what they are stands in docs/text.md."""

LANGUAGES: Final = ("ru", "en")
FEELINGS: Final = ("negative", "neutral", "positive")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text, and what somebody read in it."""

    part: str
    language: str
    feeling: str
    topics: frozenset[str]
    text: str


def labelled() -> list[Labelled]:
    """All of them."""
    lines = LABELLED.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return [
        Labelled(part, language, feeling, frozenset(filter(None, topics.split(","))), text)
        for part, language, feeling, topics, text in rows
    ]
