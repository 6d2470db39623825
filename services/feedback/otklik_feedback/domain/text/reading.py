"""
What a text says: its feeling, its topics, and the words that show both.

Weights of words are added up. A denial before a word turns its weight and takes a part of it; words
like "very" and "a bit" change it; what follows "but" counts more. A reason that blames or praises
counts as a word does, where no word of ours stands already. No chance, no clock: the same text, words
and tree always give the same reading.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from math import sqrt
from typing import Final

from otklik_common.events.feedback import Sentiment
from otklik_feedback.domain.text.language import Language, guess
from otklik_feedback.domain.text.lexicon import Lexicon, lexicon
from otklik_feedback.domain.text.phrases import Hit
from otklik_feedback.domain.text.tokens import Token, split
from otklik_feedback.domain.text.topics import Topic, Tree

TURNED: Final = -0.75
"""Not good is bad, but less so than bad; not bad is good in the same way."""

REASON: Final = 1.5
"""What a reason weighs that no word of ours tells."""

DENIED_REASON: Final = -0.5
"""What is left of a denied reason that has no opposite."""

LOOK_BACK: Final = 3
"""Words between a denial and what it denies."""

NEAR: Final = 2
"""Words between one like "very" and what it changes."""

CALL: Final = 0.08
MOST_CALLS: Final = 3
MOST_HITS: Final = 20_000
"""Places where phrases of topics stand that are looked at in one text."""

SPREAD: Final = 6.0
"""A sum of weights s becomes s / √(s² + 6): 2 is 0.63."""

CLEAR: Final = 0.2
"""A score so far from 0 is a feeling."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    Words that gave a feeling.

    Attributes:
        start, end: Where they stand in the text, in characters; `end` is exclusive.
        weight: What they added, after all that changes it.
    """

    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Mention:
    """
    A topic that a text speaks of.

    Attributes:
        score: The feeling of the clauses that speak of it, from -1 to 1.
        spans: Where the phrases stand, in characters; ends are exclusive.
    """

    topic: str
    score: float
    sentiment: Sentiment
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """
    What a text says.

    Attributes:
        score: From -1 to 1, in thousandths; 0 too where nothing tells a feeling.
        mentions: In the order of the tree.
        cut: Whether the end of a long text was left out.
    """

    language: Language
    score: float
    sentiment: Sentiment
    evidence: tuple[Evidence, ...]
    mentions: tuple[Mention, ...]
    cut: bool


def read(text: str, tree: Tree) -> Reading:
    """What any text says; never raises."""
    words = split(text)
    if not words.tokens:
        return Reading(Language.NONE, 0, Sentiment.NEUTRAL, (), (), words.cut)
    told = _Text(lexicon(), tree, words.tokens)
    language = guess(words.tokens, found=bool(told.felt or told.meant))
    if language is Language.OTHER:
        return Reading(language, 0, Sentiment.NEUTRAL, (), (), words.cut)
    loud = 1 + CALL * min(words.calls, MOST_CALLS)
    score = _score(loud * sum(each.weight for each in told.felt))
    return Reading(
        language,
        score,
        label(score),
        tuple(told.evidence()),
        tuple(told.mentions()),
        words.cut,
    )


def label(score: float) -> Sentiment:
    """The feeling that a score stands for."""
    if score >= CLEAR:
        return Sentiment.POSITIVE
    return Sentiment.NEGATIVE if score <= -CLEAR else Sentiment.NEUTRAL


def _score(total: float) -> float:
    return round(total / sqrt(total * total + SPREAD), 3)


@dataclass(frozen=True, slots=True)
class _Felt:
    """Weight at some tokens of one clause."""

    places: tuple[int, ...]
    weight: float
    clause: int


class _Text:
    """One text while it is being read."""

    def __init__(self, words: Lexicon, tree: Tree, tokens: Sequence[Token]) -> None:
        self._words = words
        self._tree = tree
        self._tokens = tokens
        self._clauses, self._factors = self._parted()
        self.felt: list[_Felt] = []
        self.meant: dict[str, list[Hit[Topic]]] = defaultdict(list)
        self._taken: set[int] = set()
        self._feel()
        self._mean()

    def _parted(self) -> tuple[list[int], dict[int, float]]:
        """The clause of each token, and what clauses count where not 1."""
        clauses: list[int] = []
        factors: dict[int, float] = {}
        number, before = -1, (-1, -1)
        for token in self._tokens:
            here = (token.sentence, token.clause)
            turn = self._words.turns.get(token.form) or self._words.asides.get(token.form)
            if here != before or (turn is not None and clauses and clauses[-1] == number):
                number += 1
                before = here
            if turn is not None:
                factors[number] = turn
            clauses.append(number)
        return clauses, factors

    # --- Feeling --------------------------------------------------------------------------------

    def _feel(self) -> None:
        hits = list(self._words.words.find(self._tokens))
        hits += [
            Hit(self._words.signs[token.form], (place,))
            for place, token in enumerate(self._tokens)
            if token.form in self._words.signs
        ]
        # The longest first; of those alike the heavier.
        hits.sort(key=lambda hit: (-len(hit.places), hit.first, -abs(hit.what), hit.what))
        chosen: list[Hit[float]] = []
        for hit in hits:
            if self._taken.isdisjoint(hit.places):
                self._taken.update(hit.places)
                chosen.append(hit)
        ends = {hit.last for hit in chosen}
        begins = {hit.first for hit in chosen if hit.what}
        for hit in sorted(chosen, key=lambda hit: hit.first):
            if hit.what and not self._only_boosts(hit, begins):
                self._add(hit.places, self._changed(hit, ends))

    def _only_boosts(self, hit: Hit[float], begins: set[int]) -> bool:
        """Whether it is a word like "terribly" before one that it makes stronger."""
        return (
            len(hit.places) == 1
            and self._tokens[hit.first].form in self._words.boosts
            and hit.first + 1 in begins
            and self._same_clause(hit.first, hit.first + 1)
        )

    def _changed(self, hit: Hit[float], ends: set[int]) -> float:
        weight = hit.what
        for place in range(hit.first - 1, max(-1, hit.first - 1 - NEAR), -1):
            if not self._same_clause(place, hit.first) or place in ends:
                break
            form = self._tokens[place].form
            factor = self._words.boosts.get(form) or self._words.damps.get(form)
            if factor is not None:
                weight *= factor
                break
        return weight * TURNED if self._is_denied(hit.places, ends) else weight

    def _is_denied(self, places: tuple[int, ...], ends: Iterable[int] = ()) -> bool:
        if any(self._denies(place) for place in places):
            return False  # it says so itself
        first = places[0]
        between = set(range(first, places[-1])).difference(places)
        if any(self._denies(place) for place in between):
            return True
        for place in range(first - 1, max(-1, first - 1 - LOOK_BACK), -1):
            if not self._same_clause(place, first) or place in ends:
                return False
            if self._denies(place):
                return True
        return False

    def _denies(self, place: int) -> bool:
        form = self._tokens[place].form
        if form not in self._words.negations and not form.endswith("n't"):
            return False
        after = self._tokens[place + 1].form if place + 1 < len(self._tokens) else ""
        return after not in self._words.onlys

    def _same_clause(self, one: int, other: int) -> bool:
        return self._clauses[one] == self._clauses[other]

    def _add(self, places: tuple[int, ...], weight: float) -> None:
        clause = self._clauses[places[0]]
        self.felt.append(_Felt(places, weight * self._factors.get(clause, 1), clause))

    # --- Topics ---------------------------------------------------------------------------------

    def _mean(self) -> None:
        hits = list(islice(self._tree.phrases.find(self._tokens), MOST_HITS))
        hits.sort(key=lambda hit: (-len(hit.places), hit.first, hit.what.code))
        around: dict[int, list[Hit[Topic]]] = defaultdict(list)
        for hit in hits:
            if len(hit.places) > 1 and hit.what.tone is not None:
                for place in hit.places:
                    around[place].append(hit)
        for hit in hits:
            if not self._contradicted(hit, around[hit.first]):
                self._mention(hit)

    @staticmethod
    def _contradicted(hit: Hit[Topic], around: Iterable[Hit[Topic]]) -> bool:
        """Whether a longer phrase around it says something else of the same thing."""
        mine, tone = set(hit.places), hit.what.tone
        return bool(tone) and any(
            other.what.tone != tone and mine < set(other.places) for other in around
        )

    def _mention(self, hit: Hit[Topic]) -> None:
        topic: Topic | None = hit.what
        tone = hit.what.tone
        weight = REASON * (tone or 0)
        if tone and self._is_denied(hit.places):
            topic = self._tree.by_code.get(hit.what.opposite or "")
            if topic is None:
                weight *= DENIED_REASON
            else:
                weight = REASON * (topic.tone or 0)
        if topic is not None and topic.active:
            self.meant[topic.code].append(hit)
        if weight and self._taken.isdisjoint(hit.places):
            self._taken.update(hit.places)
            self._add(hit.places, weight)

    # --- What is told ---------------------------------------------------------------------------

    def evidence(self) -> list[Evidence]:
        """Words that gave the feeling, in their order."""
        felt = sorted(self.felt, key=lambda each: each.places)
        return [Evidence(*self._span(each.places), round(each.weight, 3)) for each in felt]

    def mentions(self) -> list[Mention]:
        """Topics, each with the feeling of its clauses."""
        return [
            self._mentioned(topic.code, self.meant[topic.code])
            for topic in self._tree.topics
            if topic.code in self.meant
        ]

    def _mentioned(self, code: str, hits: Sequence[Hit[Topic]]) -> Mention:
        clauses = {self._clauses[place] for hit in hits for place in hit.places}
        score = _score(sum(each.weight for each in self.felt if each.clause in clauses))
        spans = sorted({self._span(hit.places) for hit in hits})
        return Mention(code, score, label(score), tuple(spans))

    def _span(self, places: tuple[int, ...]) -> tuple[int, int]:
        return self._tokens[places[0]].start, self._tokens[places[-1]].end
