"""Which language a text is in."""

import pytest

from otklik_feedback.domain.text.language import guess
from otklik_feedback.domain.text.tokens import split


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Спасибо, всё быстро", "ru"),
        ("Thank you", "en"),
        ("ok", "en"),
        ("Менеджер сказал sorry и ушёл", "ru"),
        ("The менеджер was never there for us", "en"),
        ("Дякую, все дуже швидко", "ru"),  # without і, ї, є it cannot be told from Russian
        ("Дякую їм за все, дуже зручно і швидко", "other"),
        ("Рақмет, бәрі жақсы болды", "other"),
        ("Die Wohnung hat uns gefallen", "other"),
        ("L'appartement était très sale", "other"),
        ("非常好", "other"),
        ("شكرا جزيلا", "other"),
        ("", "none"),
        ("12345 !!!", "none"),
        ("👍👍", "none"),
    ],
)
def test_russian_and_english_are_told_from_the_rest(text: str, language: str) -> None:
    assert guess(split(text).tokens) == language
