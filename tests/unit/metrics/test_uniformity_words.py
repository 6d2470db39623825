"""What a spread comes to, in the words of both languages."""

import pytest

from otklik_metrics.domain.group_means import compare
from otklik_metrics.domain.uniformity import Counted, judge, spread
from otklik_metrics.domain.uniformity_words import (
    Verdict,
    method,
    percent,
    points,
    told_differences,
    verdict,
)
from tests.unit.metrics.test_uniformity import units


def said(some: list[Counted[str]], by: str, language: str) -> tuple[Verdict, str]:
    """The verdict on units."""
    found = spread(some)
    told = verdict(by, found, judge(some, found), language)
    return told.code, told.text


@pytest.mark.parametrize(
    ("counted", "code", "ru", "en"),
    [
        ([], "nothing", "из всех филиалов за это время что-то насчитано только у 0", "0 counted"),
        ([(1, 4)], "nothing", "только у 1.", "of all branches, 1 counted anything"),
        ([(0, 39), (0, 30)], "alike", "Все филиалы одинаковы: 0,0\xa0%.", "All branches are alike: 0.0%."),
        ([(39, 39), (30, 30)], "alike", "одинаковы: 100,0\xa0%.", "alike: 100.0%."),
        ([(0, 9), (0, 5)], "few", "Пока рано судить, различаются ли филиалы", "Too early to tell whether branches"),
        ([(6, 60), (5, 60)], "chance", "Филиалы различаются не сильнее", "Branches differ no more than"),
        ([(90, 100), (80, 100), (50, 100)], "differ", "Выделяются: 2 из 3.", "Standing out: 2 of 3."),
    ],
)  # fmt: skip
def test_each_verdict_is_said(counted: list[tuple[int, int]], code: str, ru: str, en: str) -> None:
    for language, text in (("ru", ru), ("en", en)):
        found = said(units(*counted), "branch", language)
        assert found[0] == code
        assert text in found[1]


def test_one_that_stands_out_where_the_others_are_alike_is_not_lost() -> None:
    """χ² of many looks at all of them; one far from the others is seen by its own test."""
    some = units((80, 100), *((50 + at % 3, 100) for at in range(60)))
    code, text = said(some, "agent", "en")
    assert code == "some"
    assert text.startswith("As a whole, employees differ no more than chance")
    assert text.endswith("standing out all the same: 1 of 61.")


@pytest.mark.parametrize(
    ("own", "franchise", "ru", "en"),
    [
        ([(90, 100), (92, 100)], [(60, 100), (58, 100)], "«own» выше, чем «franchise», на 32,0 п. п. (от ", "“own” is 32.0 points above “franchise” ("),
        ([(60, 100), (58, 100)], [(90, 100), (92, 100)], "«own» ниже, чем «franchise», на 32,0", "“own” is 32.0 points below"),
        ([(60, 100), (58, 100)], [(59, 100), (62, 100)], "различаются на −1,5 п. п. (от −", "differ by −1.5 points (−"),
        ([(60, 100)], [(59, 100)], "слишком мало", "too few units to tell"),
        ([(60, 100)], [], "не сравнить", "cannot be compared"),
    ],
)  # fmt: skip
def test_groups_are_held_against_one_another_in_words(
    own: list[tuple[int, int]], franchise: list[tuple[int, int]], ru: str, en: str
) -> None:
    some = units(*own, *franchise)
    groups_of = {one.code: ["own" if at < len(own) else "franchise"] for at, one in enumerate(some)}
    found = compare(some, ("own", "franchise"), groups_of)
    for language, text in (("ru", ru), ("en", en)):
        (sentence,) = told_differences(found, language)
        assert text in sentence


def test_numbers_are_rounded_for_people() -> None:
    assert points(0.0412, "ru") == "4,1"
    assert points(0.0042, "en") == "0.42"
    assert points(-0.041, "en") == "−4.1"
    assert points(0, "en") == "0.0"
    assert percent(0.009, "ru") == "0,90\xa0%"
    assert percent(1, "en") == "100.0%"


def test_groups_add_how_they_are_compared() -> None:
    assert len(method("ru", groups=True)) == len(method("en", groups=False)) + 1
