"""By which calendars a company's business time is told."""

from otklik_common.events.access import Calendar, CalendarRules
from otklik_metrics.domain.company import Company

RULES = CalendarRules(timezone="Europe/Moscow", week=((), (), (), (), (), (), ()))


def calendar(code: str) -> Calendar:
    """A calendar of that code."""
    return Calendar(code=code, rules=(RULES,))


def company(default: str | None, **own: str) -> Company:
    """A company with a default calendar and branches that have one."""
    return Company(
        "demo2abc",
        "RUB",
        "Europe/Moscow",
        {},
        None if default is None else calendar(default),
        {branch: calendar(code) for branch, code in own.items()},
    )


def told(one: Company) -> list[tuple[str, list[str]]]:
    """Codes of calendars with their branches."""
    return [(hours.calendar.code, sorted(hours.branches)) for hours in one.hours]


def test_a_company_without_a_calendar_has_no_hours() -> None:
    assert told(company(None)) == []
    assert told(company(None, tyumen="ural")) == []


def test_each_calendar_stands_once_behind_the_default() -> None:
    assert told(company("office", tyumen="ural", omsk="east", perm="ural")) == [
        ("office", []),
        ("east", ["omsk"]),
        ("ural", ["perm", "tyumen"]),
    ]


def test_a_branch_that_names_the_default_is_like_any_other() -> None:
    assert told(company("office", tyumen="office")) == [("office", [])]
