"""The tree of topics: what customers speak of and the reasons they give, in a company's words."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Final

from otklik_common.errors import Unprocessable
from otklik_feedback.domain.question import Words
from otklik_feedback.domain.text.lexicon import data
from otklik_feedback.domain.text.phrases import Phrases, parse

MOST_TOPICS: Final = 200
MOST_PHRASES: Final = 100
"""Of one topic in one language."""

MOST_IN_ALL: Final = 5_000
"""Phrases of a company: whoever has more would keep the words of all others waiting."""

MOST_DEPTH: Final = 4
LANGUAGES: Final = ("ru", "en")

_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


class BadTopics(Unprocessable):
    """Topics that make no tree."""

    code = "bad_topics"


@dataclass(frozen=True, slots=True)
class Topic:
    """
    One topic.

    Attributes:
        code: Its name for programs; never changes.
        parent: Code of the topic above; None for a root.
        tone: -1 blames, 1 praises, 0 does neither; None for a matter that is no reason.
        opposite: What is meant when a phrase is denied.
        phrases: By language; see phrases.py.
        active: Whether it is looked for.
    """

    code: str
    name: Words
    parent: str | None = None
    tone: int | None = None
    opposite: str | None = None
    phrases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    active: bool = True


@dataclass(frozen=True)
class Tree:
    """Topics that make a tree, in the order in which they are shown."""

    topics: tuple[Topic, ...]

    @cached_property
    def by_code(self) -> dict[str, Topic]:
        """Topics by their codes."""
        return {topic.code: topic for topic in self.topics}

    @cached_property
    def phrases(self) -> Phrases[Topic]:
        """All phrases of all topics that are looked for; some 50 ms when first asked."""
        return Phrases(
            (phrase, topic)
            for topic in self.topics
            if topic.active
            for language in LANGUAGES
            for phrase in topic.phrases.get(language, ())
        )


def tree(topics: Sequence[Topic], before: Tree | None = None) -> Tree:
    """
    A tree of these topics.

    Args:
        before: The tree whose place it takes. A topic that is left out is switched off and stands
            behind the others, for facts name it.
    Raises:
        BadTopics: Too many topics or phrases, those switched off included; a code or a phrase twice or of a wrong form, a parent
            or an opposite that is not there, a circle, a tree that is too deep.
        BadPhrase: Words that are no phrase.
    """
    if len({topic.code for topic in topics}) < len(topics):
        raise _bad("a code stands twice", "один код указан дважды")
    listed = {topic.code: topic for topic in topics}
    for topic in () if before is None else before.topics:
        listed.setdefault(topic.code, replace(topic, active=False))
    if len(listed) > MOST_TOPICS:
        raise _bad(
            f"{len(listed)} topics, those switched off included; at most {MOST_TOPICS} are allowed",
            f"{len(listed)} тем вместе с выключенными, допустимо {MOST_TOPICS}",
        )
    for topic in listed.values():
        _check(topic, listed)
    phrases = sum(len(some) for topic in listed.values() for some in topic.phrases.values())
    if phrases > MOST_IN_ALL:
        raise _bad(
            f"{phrases} phrases in all, of topics switched off too; at most {MOST_IN_ALL} are allowed",
            f"{phrases} фраз во всех темах, и выключенных; допустимо {MOST_IN_ALL}",
        )
    return Tree(tuple(listed.values()))


def _check(topic: Topic, by_code: Mapping[str, Topic]) -> None:
    code = topic.code
    if not _CODE.fullmatch(code):
        raise _bad(
            f"code {code[:50]!r}: small Latin letters, digits and _, at most 40, a letter first",
            f"код {code[:50]!r}: строчные латинские буквы, цифры и _, до 40, первая — буква",
        )
    for named in (topic.parent, topic.opposite):
        if named is not None and (named not in by_code or named == code):
            raise _bad(
                f"{code} names {named[:50]!r}, which is no other topic",
                f"{code} ссылается на {named[:50]!r}, такой другой темы нет",
            )
    above: Topic | None = topic
    for _ in range(MOST_DEPTH):
        above = None if above is None or above.parent is None else by_code.get(above.parent)
    if above is not None:
        raise _bad(
            f"{code} stands deeper than {MOST_DEPTH} levels, or in a circle",
            f"{code} глубже {MOST_DEPTH} уровней или в кольце",
        )
    for language, phrases in topic.phrases.items():
        if language not in LANGUAGES or len(phrases) > MOST_PHRASES:
            raise _bad(
                f"{code} may have {MOST_PHRASES} phrases in ru and in en",
                f"у {code} может быть до {MOST_PHRASES} фраз на ru и на en",
            )
        if len({phrase.strip().lower() for phrase in phrases}) < len(phrases):
            raise _bad(f"{code} has a phrase twice", f"у {code} одна фраза указана дважды")
        for phrase in phrases:
            parse(phrase)


def _bad(detail: str, detail_ru: str) -> BadTopics:
    return BadTopics(detail, detail_ru=detail_ru)


@lru_cache(1)
def default_tree() -> Tree:
    """The tree that a company begins with."""
    return tree(
        [
            Topic(
                code=row["code"],
                name=Words(**row["name"]),
                parent=row.get("parent"),
                tone=row.get("tone"),
                opposite=row.get("opposite"),
                phrases={name: tuple(row[name]) for name in LANGUAGES if name in row},
            )
            for row in tomllib.loads(data("topics.toml"))["topic"]
        ]
    )
