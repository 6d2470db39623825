"""Phrases: what they match, and what is no phrase."""

import pytest

from otklik_feedback.domain.text.phrases import MOST_EITHER, MOST_WORDS, BadPhrase, Phrases, parse
from otklik_feedback.domain.text.tokens import split


def found(phrase: str, text: str) -> list[str]:
    tokens = split(text).tokens
    hits = Phrases([(phrase, None)]).find(tokens)
    return [" ".join(tokens[place].form for place in hit.places) for hit in hits]


@pytest.mark.parametrize(
    ("phrase", "text", "expected"),
    [
        ("опоздать", "Агент опоздал", ["опоздал"]),
        ("delay", "It was delayed", ["delayed"]),
        ("=дорого", "дорогая", []),
        ("=дорого", "дорого", ["дорого"]),
        ("груб*", "грубости и Грубиян", ["грубости", "грубиян"]),
        ("не перезвонить", "никто не перезвонил", ["не перезвонил"]),
        ("не перезвонить", "не удосужились даже перезвонить", ["не перезвонить"]),
        ("не перезвонить", "не смогли сразу нам перезвонить", []),
        ("не перезвонить", "не надо. Перезвонили", []),
        ("не перезвонить", "перезвонили, не забыли", []),
        ("call|rang back", "they rang back", ["rang back"]),
        ("еще", "ЕЩЁ", ["ещё".replace("ё", "е")]),
        ("очень", "оооочень", ["оооочень"]),
        ("good", "goooood", ["goooood"]),
        ("разочарование", "разачарование", ["разачарование"]),
        ("профессионал", "проффесионал", ["проффесионал"]),
        ("excellent", "excelent", ["excelent"]),
        ("terrible", "terirble", ["terirble"]),
    ],
)
def test_a_phrase_is_found_in_every_form_and_in_its_order(
    phrase: str, text: str, expected: list[str]
) -> None:
    assert found(phrase, text) == expected


def test_a_known_word_is_never_taken_for_a_misspelt_one() -> None:
    assert found("порода", "погода") == []


@pytest.mark.parametrize(
    "phrase",
    [
        "",
        "  ",
        "a b c d e f",
        "позвонить 8912",
        "*",
        "аб*",
        "a,b",
        "a||b",
        "=аб*",
        "слово" * 50,
        "|".join("абвгдежзиклмн"),
    ],
)
def test_what_is_no_phrase_is_refused_with_what_to_give(phrase: str) -> None:
    with pytest.raises(BadPhrase, match="give one to 5 words"):
        parse(phrase)


def test_the_limits_of_a_phrase_can_be_reached() -> None:
    assert len(parse(" ".join("a" * MOST_WORDS))) == MOST_WORDS
    assert len(parse("|".join("абвгдежзиклм"))[0]) == MOST_EITHER
