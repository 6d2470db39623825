"""Trees of topics: the one that is shipped, and what makes none."""

from dataclasses import replace
from itertools import product

import pytest

from otklik_feedback.domain.question import Words
from otklik_feedback.domain.text.phrases import BadPhrase
from otklik_feedback.domain.text.reading import read
from otklik_feedback.domain.text.topics import (
    MOST_DEPTH,
    MOST_PHRASES,
    MOST_TOPICS,
    BadTopics,
    Topic,
    default_tree,
    tree,
)


def a_topic(code: str = "parking", **said: object) -> Topic:
    return replace(Topic(code, Words("Парковка", "Parking")), **said)  # type: ignore[arg-type]


def test_the_shipped_tree_has_every_reason_in_both_languages() -> None:
    shipped = default_tree()
    roots = {topic.code for topic in shipped.topics if topic.parent is None}
    assert roots == {"disappointment", "neutral", "delight", "matter"}
    for topic in shipped.topics:
        assert topic.name.ru
        assert topic.name.en
        if topic.parent is None:
            continue
        assert topic.phrases["ru"], topic.code
        assert topic.phrases["en"], topic.code
        assert topic.tone == shipped.by_code[topic.parent].tone


def test_opposites_of_reasons_have_the_other_tone() -> None:
    by_code = default_tree().by_code
    for topic in by_code.values():
        if topic.opposite is not None:
            assert by_code[topic.opposite].tone == -(topic.tone or 0)


@pytest.mark.parametrize(
    ("topics", "said"),
    [
        ([a_topic(), a_topic()], "twice"),
        ([a_topic("Parking")], "small Latin letters"),
        ([a_topic(parent="no")], "no other topic"),
        ([a_topic(parent="parking")], "no other topic"),
        ([a_topic(opposite="no")], "no other topic"),
        ([a_topic("a", parent="b"), a_topic("b", parent="a")], "circle"),
        (
            [a_topic("t0"), *(a_topic(f"t{n + 1}", parent=f"t{n}") for n in range(MOST_DEPTH))],
            "deeper than",
        ),
        ([a_topic(f"t{n}") for n in range(MOST_TOPICS + 1)], "at most 200"),
        ([a_topic(phrases={"ru": ("парковка", "Парковка "), "en": ()})], "a phrase twice"),
        (
            [
                a_topic(
                    f"t{n}",
                    phrases={
                        "en": tuple("".join(k) for k in product("abcdefghij", repeat=2)),
                        "ru": (),
                    },
                )
                for n in range(51)
            ],
            "at most 5000",
        ),
        ([a_topic(phrases={"ru": ("слово",) * (MOST_PHRASES + 1)})], "100 phrases"),
        ([a_topic(phrases={"de": ("wort",)})], "in ru and in en"),
    ],
)
def test_what_makes_no_tree_is_refused(topics: list[Topic], said: str) -> None:
    with pytest.raises(BadTopics, match=said):
        tree(topics)


def test_the_limits_of_a_tree_can_be_reached() -> None:
    deep = [a_topic("t0"), *(a_topic(f"t{n}", parent=f"t{n - 1}") for n in range(1, MOST_DEPTH))]
    assert len(tree(deep).topics) == MOST_DEPTH
    assert len(tree([a_topic(f"t{n}") for n in range(MOST_TOPICS)]).topics) == MOST_TOPICS


def test_words_that_are_no_phrase_are_refused() -> None:
    with pytest.raises(BadPhrase):
        tree([a_topic(phrases={"ru": ("8 912",)})])


def test_a_topic_left_out_is_switched_off_and_stays() -> None:
    before = tree([a_topic("a"), a_topic("b", parent="a")])
    after = tree([a_topic("c")], before)
    assert [(topic.code, topic.active) for topic in after.topics] == [
        ("c", True),
        ("a", False),
        ("b", False),
    ]
    assert tree([a_topic("c")], after) == after
    with pytest.raises(BadTopics, match="201 topics, those switched off included"):
        tree([a_topic(f"t{n}") for n in range(MOST_TOPICS - 2)], after)


def test_a_topic_switched_off_is_not_found_and_not_meant_by_a_denial() -> None:
    polite = a_topic("polite", tone=1, phrases={"ru": ("вежлив*",)}, opposite="rude")
    rude = a_topic("rude", tone=-1)
    on, off = tree([polite, rude]), tree([polite, replace(rude, active=False)])
    assert [m.topic for m in read("не вежливый", on).mentions] == ["rude"]
    assert read("не вежливый", off).mentions == ()
    assert read("вежливый", tree([replace(polite, active=False), rude])).mentions == ()


def test_a_companys_own_words_are_found() -> None:
    own = tree([a_topic(phrases={"ru": ("парковка",), "en": ("car park",)})])
    assert [m.topic for m in read("Негде встать на парковке", own).mentions] == ["parking"]
    assert [m.topic for m in read("The car park was full", own).mentions] == ["parking"]
