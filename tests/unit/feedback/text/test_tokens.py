"""Words of a text, and where they stand in it as it came."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_feedback.domain.text.tokens import MOST_CHARACTERS, form_of, split


def forms(text: str) -> list[str]:
    return [token.form for token in split(text).tokens]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Всё хорошо", ["все", "хорошо"]),
        ("<p>Rude<br>staff</p>", ["rude", "staff"]),
        ("Rude&nbsp;staff &amp; late", ["rude", "staff", "late"]),
        ("don&#39;t", ["don't"]),
        ("don’t", ["don't"]),
        ("<style>p {color: red}</style>Спасибо", ["спасибо"]),
        ("<script>alert('bad')", []),
        ("price < 5 and > 3", ["price", "and"]),
        ("пишите ivan@mail.example или https://mail.example/bad", ["пишите", "или"]),
        ("хоро\u00adшо и\u0306огурт", ["хорошо", "йогурт"]),
        ("\u202eтекст\u202c", ["текст"]),
        ("супер👍🏽!", ["супер", "👍", "🏽"]),
        ("по-человечески", ["по-человечески"]),
        ("хорошо)))", ["хорошо", ")))"]),
        ("12 345 !!! ---", []),
    ],
)
def test_markup_links_and_unseen_signs_are_no_words(text: str, expected: list[str]) -> None:
    assert forms(text) == expected


def test_a_word_stands_where_it_stood_before_markup_was_taken_out() -> None:
    text = "<b>Спасибо</b> &amp; don&#39;t <i>be&nbsp;late</i>"
    places = {token.form: text[token.start : token.end] for token in split(text).tokens}
    assert places == {"спасибо": "Спасибо", "don't": "don&#39;t", "be": "be", "late": "late"}


def test_sentences_end_at_stops_and_clauses_at_commas_too() -> None:
    tokens = split("Быстро, но дорого. За 3.5 часа!").tokens
    assert [(token.form, token.sentence, token.clause) for token in tokens] == [
        ("быстро", 0, 0),
        ("но", 0, 1),
        ("дорого", 0, 1),
        ("за", 1, 2),
        ("часа", 1, 2),
    ]


def test_of_ten_megabytes_the_first_twenty_thousand_characters_are_read() -> None:
    read = split("плохо " * 1_700_000)
    assert read.cut
    assert read.tokens[-1].end <= MOST_CHARACTERS
    assert not split("a" * MOST_CHARACTERS).cut


@given(st.text())
def test_any_text_is_split_and_places_lie_in_it(text: str) -> None:
    ends = 0
    for token in split(text).tokens:
        assert ends <= token.start < token.end <= len(text)
        ends = token.end


@given(st.lists(st.sampled_from(["<b>", "&amp;", "&#39;", "</p>", "плохо", "late", " ", "<", "@"])))
def test_places_never_leave_a_text_with_markup(parts: list[str]) -> None:
    text = "".join(parts)
    for token in split(text).tokens:
        if token.form in ("плохо", "late"):
            assert form_of(text[token.start : token.end]) == token.form
