"""Whatever code an API may send to a page, the page says it in Russian and in English."""

from collections.abc import Iterable
from typing import Any

import pytest

from otklik.pages.codes import CODES, NOUNS
from otklik.pages.numbers import METRICS
from otklik.pages.texts import LANGUAGES, Words
from otklik_common.events.access import OtherTargetName
from otklik_common.events.claims import Severity, Wish
from otklik_common.events.contact_center import Channel, Outcome
from otklik_common.events.feedback import CaseState
from otklik_contact_center.domain.events import CHANNELS, ENDINGS, TYPES
from otklik_feedback.domain.answer import Content
from otklik_feedback.domain.case import UNHAPPY, reason_of
from otklik_metrics.domain.catalogue import CATALOGUE
from otklik_metrics.domain.indicators.cells import Values
from otklik_metrics.domain.indicators.service import FORMULAS


class Everything(dict[str, int]):
    """Numbers of a cell in which nothing is nought, nor any difference of two sums."""

    def get(self, name: str, _: Any = None) -> int:
        """The next power of seven for a new name."""
        return self.setdefault(name, 7 ** (len(self) + 1))


def reasons() -> Iterable[str]:
    """Why an answer, a review or a claim opens a case."""
    yield from ("review", "claim")
    for measure, most in UNHAPPY.items():
        reason = reason_of(Content(measures={measure: most}))
        assert reason is not None
        yield reason


def left_out() -> Iterable[str]:
    """Why facts may stand outside the base of a number of the pages, by any formula."""
    for asked in METRICS.values():
        metric = CATALOGUE[asked["name"]]
        usual = {one.name: one.default for one in metric.parameters} | asked
        for formula in FORMULAS if metric.name == "service_level" else [None]:
            params = usual | ({"formula": formula} if formula else {})
            yield from metric.work_out(Values(Everything()), params).excluded


def chosen() -> Iterable[str]:
    """What the numbers of the pages choose, but for the formula, which says itself."""
    for asked in METRICS.values():
        metric = CATALOGUE[asked["name"]]
        for one in metric.parameters:
            if one.choices and one.name != metric.variant:
                yield asked.get(one.name, one.default)


POSSIBLE = {
    "channel": {*Channel, *CHANNELS},
    "outcome": {*Outcome, *ENDINGS},
    "event": set(TYPES),
    "state": set(CaseState),
    "reason": set(reasons()),
    "why": set(reasons()),
    "severity": set(Severity),
    "wish": set(Wish),
    "feedback_target": {*OtherTargetName, "claim_term"},
    "excluded": set(left_out()),
    "choice": set(chosen()),
}


def test_reasons_to_leave_out_are_really_looked_for() -> None:
    assert {"short_abandon", "still_open", "other_outcome", "unknown_person"} <= set(left_out())


@pytest.mark.parametrize("kind", POSSIBLE)
def test_every_code_has_a_text_in_both_languages(kind: str) -> None:
    assert {str(code) for code in POSSIBLE[kind]} == set(CODES[kind])
    for language in LANGUAGES:
        texts = [Words(language).code(kind, code) for code in CODES[kind]]
        assert all(texts)
        assert len(set(texts)) == len(texts), "two codes that nobody can tell apart"
        if language == "ru":
            assert not set(texts) & set(CODES[kind])


def test_a_code_that_is_new_stands_for_itself() -> None:
    assert Words("ru").code("event", "teleported") == "teleported"
    assert not Words("ru").code("outcome", None)


@pytest.mark.parametrize(
    ("language", "number", "percent"),
    [("ru", "−1\xa0234,5", "90,0\xa0%"), ("en", "−1,234.5", "90.0%")],
)
def test_numbers_are_written_as_the_language_writes_them(
    language: str, number: str, percent: str
) -> None:
    words = Words(language)
    assert words.number(-1234.5, 1) == number
    assert words.number(-0.04, 1) in {"0,0", "0.0"}
    assert words.percent(0.9, 1) == percent


@pytest.mark.parametrize(
    ("language", "ends", "share", "shown"),
    [
        ("ru", (0.9, 0.9151), True, "90,0–91,5\xa0%"),
        ("en", (0.9, 0.9151), True, "90.0–91.5%"),
        ("ru", (7.91, 18.9), False, "7,9–18,9"),
        ("ru", (-7.91, 18.9), False, "от −7,9 до 18,9"),
        ("en", (-18.9, -7.91), False, "from −18.9 to −7.9"),
        ("ru", (-0.01, 7.9), False, "0,0–7,9"),
    ],
)
def test_intervals_are_read_without_counting_dashes(
    language: str, ends: tuple[float, float], share: bool, shown: str
) -> None:
    assert Words(language).interval(*ends, share=share) == shown


@pytest.mark.parametrize(
    ("count", "answers", "people"),
    [
        (1, "1 ответ", "1 человек"),
        (11, "11 ответов", "11 человек"),
        (31, "31 ответ", "31 человек"),
        (73, "73 ответа", "73 человека"),
        (101, "101 ответ", "101 человек"),
        (112, "112 ответов", "112 человек"),
        (1004, "1\xa0004 ответа", "1\xa0004 человека"),
        (0, "0 ответов", "0 человек"),
    ],
)
def test_russian_nouns_follow_their_number(count: int, answers: str, people: str) -> None:
    assert Words("ru").counted("answers", count) == answers
    assert Words("ru").counted("people", count) == people


@pytest.mark.parametrize(
    ("language", "share", "said"),
    [
        ("ru", 0.91, "из 100 позвонивших ответ за 20 секунд получили 91"),
        ("ru", 0.011, "из 100 позвонивших ответ за 20 секунд получил 1"),
        ("ru", 0.0, "из 100 позвонивших ответ за 20 секунд получили 0"),
        ("en", 0.91, "of 100 who called, 91 were answered within 20 seconds"),
        ("en", 0.011, "of 100 who called, 1 was answered within 20 seconds"),
    ],
)
def test_it_is_callers_who_are_answered(language: str, share: float, said: str) -> None:
    assert Words(language).served(share, 20) == said


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_noun_has_its_forms(language: str) -> None:
    for kind in NOUNS:
        assert all(Words(language).noun(kind, count) for count in (0, 1, 2, 5, 21, 1.5))


@pytest.mark.parametrize(
    ("seconds", "business", "russian", "english"),
    [
        (129_600, False, "1 день 12 часов", "1 day 12 hours"),
        (6_000, False, "1 час 40 минут", "1 hour 40 minutes"),
        (864_000, False, "10 дней", "10 days"),
        (2_592_000, False, "30 дней", "30 days"),
        (90, False, "1 минута 30 секунд", "1 minute 30 seconds"),
        (172_800, True, "48 часов", "48 hours"),
    ],
)
def test_what_was_promised_is_said_to_the_second(
    seconds: int, business: bool, russian: str, english: str
) -> None:
    assert Words("ru").term(seconds, business=business) == russian
    assert Words("en").term(seconds, business=business) == english
