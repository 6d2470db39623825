"""What texts say: their feeling, their topics, and the words that show both."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_feedback.domain.text.lexicon import weighted
from otklik_feedback.domain.text.reading import Reading, read
from otklik_feedback.domain.text.topics import default_tree

WORDS = (
    "агент",
    "вежливый",
    "грубый",
    "не",
    "очень",
    "но",
    "обещали",
    "перезвонить",
    "договор",
    "agent",
    "rude",
    "polite",
    "not",
    "very",
    "but",
    "late",
    "contract",
    "👍",
    ",",
    ".",
    "!",
)

SENTENCES = (
    "Агент опоздал на час",
    "Договор с ошибками",
    "Спасибо за помощь",
    "Комиссия высокая",
    "Никто не перезвонил",
    "Очень вежливая девушка",
    "The agent was rude",
    "Nobody called back",
    "They kept their word",
    "The website is slow",
)


def reading(text: str) -> Reading:
    return read(text, default_tree())


def topics(text: str) -> set[str]:
    return {mention.topic for mention in reading(text).mentions}


@pytest.mark.parametrize(
    ("text", "sentiment"),
    [
        ("Вежливый агент", "positive"),
        ("Невежливый агент", "negative"),
        ("Агент не вежливый", "negative"),
        ("Не плохо", "positive"),
        ("Не только вежливый, но и честный", "positive"),
        ("Никаких проблем", "positive"),
        ("Ни разу не подвели", "positive"),
        ("Быстро, но агент нахамил", "negative"),
        ("Агент нахамил, но потом всё отлично решили", "positive"),
        ("Ужасно вежливая девушка", "positive"),
        ("Подписали договор во вторник", "neutral"),
        ("good", "positive"),
        ("not good", "negative"),
        ("not bad", "positive"),
        ("not only polite but honest", "positive"),
        ("no problems", "positive"),
        ("polite but terribly late", "negative"),
        ("We signed on Tuesday", "neutral"),
        ("👍", "positive"),
        ("👎", "negative"),
        ("Хорошо 👍", "positive"),
        ("Вежливый agent, но service was terrible", "negative"),
        ("", "neutral"),
    ],
)
def test_denials_degrees_and_turns_change_a_feeling(text: str, sentiment: str) -> None:
    assert reading(text).sentiment == sentiment


def test_more_of_a_degree_is_more_of_a_feeling() -> None:
    scores = [reading(text).score for text in ("немного вежливый", "вежливый", "очень вежливый")]
    assert scores == sorted(scores)
    assert len(set(scores)) == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Агент нахамил", {"rudeness"}),
        ("Агент не хамил", {"polite"}),
        ("He was not polite", {"rudeness"}),
        ("Никакого обмана", {"kept_word"}),
        ("Не обзывали", set()),
        ("Не перезвонили", {"no_feedback"}),
        ("Комиссия высокая", {"price"}),
        ("Без комиссии", {"price"}),
        ("Обещали перезвонить и забыли", {"broken_promise", "no_feedback"}),
        ("The weather is fine today in Tyumen", {"minimum_standard"}),
        ("Погода", set()),
    ],
)
def test_a_denied_reason_is_its_opposite_and_a_matter_stays(text: str, expected: set[str]) -> None:
    assert topics(text) == expected


def test_each_topic_has_the_feeling_of_its_own_clause() -> None:
    told = {
        mention.topic: mention for mention in reading("Сайт ужасный, зато офис уютный").mentions
    }
    assert told["website"].sentiment == "negative"
    assert told["office"].sentiment == "positive"


def test_the_words_that_gave_a_feeling_and_a_topic_are_shown() -> None:
    text = "<p>Агент <b>опоздал</b>, но очень вежливый</p>"
    told = reading(text)
    assert [text[each.start : each.end] for each in told.evidence] == ["опоздал", "вежливый"]
    assert [round(each.weight, 2) for each in told.evidence] == [-2.0, 3.64]
    spans = {m.topic: [text[a:b] for a, b in m.spans] for m in told.mentions}
    assert spans == {"lateness": ["опоздал"], "polite": ["вежливый"]}


def test_another_language_has_neither_feeling_nor_topics() -> None:
    told = reading("Дякую їм за все, дуже зручно і швидко. Plus")
    assert (told.language, told.score, told.evidence, told.mentions) == ("other", 0, (), ())


def test_no_phrase_of_ours_has_two_weights() -> None:
    phrases = [phrase for phrase, _ in weighted()]
    seen: dict[str, float] = {}
    for phrase, weight in weighted():
        assert seen.setdefault(phrase, weight) == weight, phrase
        assert -3 <= weight <= 3
    assert len(phrases) > 1000


# --- Whatever comes -----------------------------------------------------------------------------


@given(st.text())
def test_any_text_is_read_and_in_the_same_way_again(text: str) -> None:
    told = reading(text)
    assert -1 <= told.score <= 1
    assert told == reading(text)
    for mention in told.mentions:
        assert all(0 <= start < end <= len(text) for start, end in mention.spans)


some_words = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)


@given(some_words)
def test_capitals_do_not_matter(text: str) -> None:
    small, big = reading(text), reading(text.upper())
    assert (small.score, small.mentions) == (big.score, big.mentions)


@given(
    st.lists(st.sampled_from(["ещё", "всё", "не", "решён", "вёл", "чёткий", "надёжно", "весёлый"]))
)
def test_yo_does_not_matter(words: list[str]) -> None:
    text = " ".join(words)
    assert reading(text) == reading(text.replace("ё", "е"))


PLAIN = sorted(
    phrase
    for phrase, weight in weighted()
    if abs(weight) >= 2 and phrase.isalpha() and phrase not in ("топ", "класс")
)


@given(st.sampled_from(PLAIN))
def test_a_denial_turns_every_word(word: str) -> None:
    denial = "not" if word.isascii() else "не"
    if f"{denial} {word}" in {phrase for phrase, _ in weighted()}:
        return
    said, denied = reading(f"x {word}"), reading(f"{denial} {word}")
    assert said.score * denied.score < 0, word


@given(st.lists(st.sampled_from(SENTENCES), min_size=1), st.randoms(use_true_random=False))
def test_the_order_of_sentences_does_not_change_the_topics(
    sentences: list[str], chance: random.Random
) -> None:
    mixed = sentences[:]
    chance.shuffle(mixed)
    assert topics(". ".join(sentences)) == topics(". ".join(mixed))
    assert topics(". ".join(sentences)) == set().union(*(topics(one) for one in sentences))
