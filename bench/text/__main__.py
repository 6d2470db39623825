"""
Words beside labels and beside plain baselines, by language; texts a second on one core.

    python -m bench.text [--rounds 5] [--write]

Baselines of feeling: the commonest label; positive less negative words, counted (our own words
without denials, degrees, phrases, signs and reasons); VADER for English. That of topics: words of
our phrases that stand alone, letter by letter. `--write` puts the tables into docs/text.md.
"""

import argparse
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from bench.text.labelled import FEELINGS, LANGUAGES, PARTS, Labelled, labelled
from bench.text.scores import feelings, topics
from otklik_feedback.domain.text.lexicon import version, weighted
from otklik_feedback.domain.text.phrases import Phrases
from otklik_feedback.domain.text.reading import read
from otklik_feedback.domain.text.tokens import split
from otklik_feedback.domain.text.topics import default_tree

PAGE: Final = Path(__file__).parents[2] / "docs" / "text.md"
BEGIN, END = "<!-- measured -->\n", "<!-- end of measured -->\n"
VADER_CLEAR: Final = 0.05
"""A compound score so far from 0 is a feeling, as VADER's authors use it."""

Judge = Callable[[str], str]


def ours(text: str) -> str:
    """The feeling that we read."""
    return read(text, default_tree()).sentiment


def counted(text: str) -> str:
    """More positive than negative words, or the other way round."""
    hits = _single_words().find(split(text).tokens)
    return _sign(sum(1 if hit.what > 0 else -1 for hit in hits), 1)


def of_vader(text: str) -> str:
    """VADER's feeling."""
    return _sign(_vader().polarity_scores(text)["compound"], VADER_CLEAR)


def ours_topics(text: str) -> frozenset[str]:
    """The topics that we read."""
    return frozenset(mention.topic for mention in read(text, default_tree()).mentions)


def plain_topics(text: str) -> frozenset[str]:
    """Topics one of whose words stands in the text letter by letter."""
    return frozenset(code for token in split(text).tokens for code in _plain().get(token.form, ()))


@lru_cache(1)
def _single_words() -> Phrases[float]:
    return Phrases(
        (phrase, weight) for phrase, weight in weighted() if weight and " " not in phrase
    )


@lru_cache(1)
def _vader() -> SentimentIntensityAnalyzer:
    return SentimentIntensityAnalyzer()


@lru_cache(1)
def _plain() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for topic in default_tree().topics:
        for phrases in topic.phrases.values():
            for phrase in phrases:
                if " " not in phrase:
                    for word in phrase.split("|"):
                        found.setdefault(word.strip("=*"), set()).add(topic.code)
    return found


def _sign(value: float, clear: float) -> str:
    if value >= clear:
        return "positive"
    return "negative" if value <= -clear else "neutral"


def table_of_feelings(texts: Sequence[Labelled]) -> str:
    """Accuracy and macro F1 of everybody, by part and language."""
    lines = ["| texts | n | who | accuracy | macro F1 |", "|---|---|---|---|---|"]
    for part, language, some in _parts(texts):
        judges: dict[str, Judge] = {"ours": ours, "words counted": counted}
        if language == "en":
            judges["VADER"] = of_vader
        common = Counter(each.feeling for each in some).most_common(1)[0][0]
        judges[f"always {common}"] = lambda _, common=common: common  # type: ignore[misc]
        for who, judge in judges.items():
            found = feelings((each.feeling, judge(each.text)) for each in some)
            lines.append(
                f"| {PARTS[part]}, {language} | {len(some)} | {who} | {found.accuracy:.2f}"
                f" | {found.macro_f1:.2f} |"
            )
    return "\n".join(lines)


def table_of_confusion(texts: Sequence[Labelled]) -> str:
    """What we read where something else is labelled."""
    lines = [
        "| texts | labelled | read negative | read neutral | read positive |",
        "|---|---|---|---|---|",
    ]
    for part, language, some in _parts(texts):
        found = feelings((each.feeling, ours(each.text)) for each in some)
        for one in FEELINGS:
            counts = " | ".join(str(found.pairs[one, other]) for other in FEELINGS)
            lines.append(f"| {PARTS[part]}, {language} | {one} | {counts} |")
    return "\n".join(lines)


def table_of_topics(texts: Sequence[Labelled]) -> str:
    """Precision, recall and F1 of topics."""
    lines = [
        "| texts | who | precision | recall | F1 | macro F1 |",
        "|---|---|---|---|---|---|",
    ]
    for part, language, some in _parts(texts):
        for who, find in (("ours", ours_topics), ("plain words", plain_topics)):
            found = topics([(each.topics, find(each.text)) for each in some])
            lines.append(
                f"| {PARTS[part]}, {language} | {who} | {found.precision:.2f} | {found.recall:.2f}"
                f" | {found.f1:.2f} | {found.macro_f1:.2f} |"
            )
    return "\n".join(lines)


def speed(texts: Sequence[Labelled], rounds: int) -> str:
    """Texts a second; medians, with the least and the most."""
    tree = default_tree()
    first = time.process_time()
    read("слово word", tree)
    woken = time.process_time() - first
    lines = ["| texts | characters, median | texts a second |", "|---|---|---|"]
    long = [" ".join(each.text for each in texts[at : at + 20]) for at in range(0, len(texts), 20)]
    for name, some in (("labelled", [each.text for each in texts]), ("of twenty each", long)):
        some = some * (2000 // len(some) + 1)  # noqa: PLW2901
        rates = []
        for _ in range(rounds):
            begun = time.process_time()
            for text in some:
                read(text, tree)
            rates.append(len(some) / (time.process_time() - begun))
        length = statistics.median(map(len, some))
        lines.append(
            f"| {name} | {length:.0f} | {statistics.median(rates):,.0f}"
            f" ({min(rates):,.0f} to {max(rates):,.0f}) |"
        )
    lines += ["", f"The first reading of a process takes {woken:.1f} s more: the dictionary wakes."]
    return "\n".join(lines)


def _parts(texts: Sequence[Labelled]) -> list[tuple[str, str, list[Labelled]]]:
    return [
        (part, language, [t for t in texts if t.part == part and t.language == language])
        for part in PARTS
        for language in LANGUAGES
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="into docs/text.md")
    given = parser.parse_args()
    texts = labelled()
    fast = speed(texts, given.rounds)  # first, while nothing is awake
    measured = "\n\n".join(
        (
            f"Words of version `{version()}`; `python -m bench.text --write` makes these tables.",
            "**Feeling.**",
            table_of_feelings(texts),
            "**What is read for what.**",
            table_of_confusion(texts),
            "**Topics.**",
            table_of_topics(texts),
            "**Speed** by seconds of one core, medians of rounds.",
            fast,
        )
    )
    print(measured)
    if given.write:
        page = PAGE.read_text(encoding="utf-8")
        head, rest = page.split(BEGIN)
        PAGE.write_text(f"{head}{BEGIN}\n{measured}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
