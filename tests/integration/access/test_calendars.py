"""Calendars over HTTP: put, changed from a day on, told to the others, one of them the default."""

import asyncio
from typing import Any

import pytest

from tests.integration.access.conftest import Http

pytestmark = pytest.mark.asyncio

WEEK = {day: ["09:00-13:00", "14:00-18:00"] for day in ("mon", "tue", "wed", "thu", "fri")}
OFFICE: dict[str, Any] = {"timezone": "Europe/Moscow", "week": WEEK, "holidays": "RU"}


async def test_a_calendar_is_put_by_code_and_the_same_body_is_no_revision(http: Http) -> None:
    first = await http.ask("PUT", "/calendars/office", OFFICE)
    again = await http.ask("PUT", "/calendars/office", OFFICE)
    assert first.headers["etag"] == again.headers["etag"] == '"1"'
    assert first.json() == {
        "code": "office",
        "names": {},
        "default": True,
        "rules": [
            {
                "since": None,
                "timezone": "Europe/Moscow",
                "week": {**WEEK, "sat": [], "sun": []},
                "breaks": [],
                "holidays": "RU",
            }
        ],
        "exceptions": {},
    }
    assert (await http.good("GET", "/calendars/office")) == first.json()
    stale = await http.ask("PUT", "/calendars/office", {**OFFICE, "holidays": None}, If_Match='"9"')
    assert stale.status_code == 412


async def test_an_edit_is_true_from_its_day_on(http: Http) -> None:
    await http.good("PUT", "/calendars/office", OFFICE)
    later = {**OFFICE, "breaks": ["13:00-15:00"], "valid_from": "2030-01-01"}
    made = await http.good("PUT", "/calendars/office", later)
    assert [(one["since"], one["breaks"]) for one in made["rules"]] == [
        (None, []),
        ("2030-01-01", ["13:00-15:00"]),
    ]


async def test_one_calendar_is_the_default_and_stays_until_another_is(http: Http) -> None:
    await http.good("PUT", "/calendars/first", OFFICE)
    second = await http.good("PUT", "/calendars/second", OFFICE)
    assert second["default"] is False
    refused = await http.ask("DELETE", "/calendars/first")
    assert (refused.status_code, refused.json()["code"]) == (409, "default_calendar")
    await http.good("PUT", "/calendars/second", {**OFFICE, "default": True})
    listed = (await http.good("GET", "/calendars"))["items"]
    assert [(one["code"], one["default"]) for one in listed] == [("first", False), ("second", True)]
    assert (await http.ask("DELETE", "/calendars/first")).status_code == 204
    assert (await http.ask("GET", "/calendars/first")).status_code == 404
    assert (await http.ask("DELETE", "/calendars/first")).status_code == 404
    back = await http.ask("PUT", "/calendars/first", OFFICE)
    assert (back.headers["etag"], back.json()["default"]) == ('"4"', False)


@pytest.mark.parametrize(
    ("wrong", "field", "code"),
    [
        ({"week": {"mon": ["25:00-26:00"]}}, "week.mon", "bad_hours"),
        ({"week": {"mon": ["09:00-13:00", "12:00-18:00"]}}, "week.mon", "bad_hours"),
        ({"week": {"mon": ["22:00-06:00"]}}, "week.mon", "bad_hours"),
        ({"exceptions": {"2026-12-31": ["9-14"]}}, "exceptions.2026-12-31", "bad_hours"),
        ({"timezone": "Europe/Tyumen"}, "timezone", "unknown_timezone"),
        ({"holidays": "XX"}, "holidays", "not_one_of"),
    ],
)
async def test_what_no_calendar_can_be_is_said_with_its_field(
    http: Http, wrong: dict[str, Any], field: str, code: str
) -> None:
    answer = await http.ask("PUT", "/calendars/office", {**OFFICE, **wrong})
    assert answer.status_code == 422
    assert [(one["field"], one["code"]) for one in answer.json()["errors"]] == [(field, code)]
    assert (await http.ask("GET", "/calendars/office")).status_code == 404


async def test_a_calendar_that_never_opens_is_refused(http: Http) -> None:
    answer = await http.ask("PUT", "/calendars/office", {**OFFICE, "week": {}})
    assert (answer.status_code, answer.json()["code"]) == (422, "never_opens")


async def test_days_are_told_with_what_decided_on_them(http: Http) -> None:
    put = {**OFFICE, "exceptions": {"2024-11-05": []}}
    await http.good("PUT", "/calendars/office", put)
    asked = await http.good("GET", "/calendars/office/days?from=2024-11-01&to=2024-11-06")
    assert [(one["day"], one["why"], one["hours"]) for one in asked["days"]] == [
        ("2024-11-01", "week", ["09:00-13:00", "14:00-18:00"]),
        ("2024-11-02", "eve", ["09:00-13:00", "14:00-17:00"]),
        ("2024-11-03", "week", []),
        ("2024-11-04", "holiday", []),
        ("2024-11-05", "exception", []),
        ("2024-11-06", "week", ["09:00-13:00", "14:00-18:00"]),
    ]


@pytest.mark.parametrize(
    ("days", "code"),
    [
        ("from=0&to=0", "invalid"),
        ("from=2024-11-02&to=2024-11-01", "end_before_start"),
        ("from=2024-01-01&to=2025-02-04", "too_many_days"),
        ("from=1899-12-31&to=1900-01-01", "bad_range"),
        ("from=2200-12-31&to=2201-01-01", "bad_range"),
    ],
)
async def test_days_that_cannot_be_told_are_refused(http: Http, days: str, code: str) -> None:
    await http.good("PUT", "/calendars/office", OFFICE)
    answer = await http.ask("GET", f"/calendars/office/days?{days}")
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_days_off_of_a_feed_are_closed_and_own_hours_stay(http: Http) -> None:
    feed = "\r\n".join(
        (
            "BEGIN:VCALENDAR",
            "BEGIN:VEVENT",
            "DTSTART;VALUE=DATE:20300501",
            "DTEND;VALUE=DATE:20300503",
            "SUMMARY:Праздники",
            "END:VEVENT",
            "BEGIN:VEVENT",
            "DTSTART:20300504T090000Z",
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        )
    )
    put = {**OFFICE, "holidays": None, "exceptions": {"2030-05-02": ["10:00-12:00"]}}
    await http.good("PUT", "/calendars/office", put)
    body = {"ical": feed, "first": "2030-01-01"}
    first = await http.ask("POST", "/calendars/office/days-off", body)
    assert (first.json()["days_off"], first.json()["ignored"]) == (
        ["2030-05-01", "2030-05-02"],
        {"not_all_day": 1},
    )
    assert first.json()["calendar"]["exceptions"] == {
        "2030-05-01": [],
        "2030-05-02": ["10:00-12:00"],
    }
    again = await http.ask("POST", "/calendars/office/days-off", body)
    assert first.headers["etag"] == again.headers["etag"] == '"2"'
    bad = await http.ask("POST", "/calendars/office/days-off", {"ical": "hello"})
    assert (bad.status_code, bad.json()["code"]) == (422, "bad_ical")
    unknown = await http.ask("POST", "/calendars/none/days-off", body)
    assert unknown.status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/calendars/office", {**OFFICE, "valid_from": "0001-01-01"}),
        ("PUT", "/calendars/office", {**OFFICE, "exceptions": {"9999-12-31": []}}),
        ("POST", "/calendars/office/days-off", {"ical": "x", "first": "9999-01-01"}),
    ],
)
async def test_days_that_no_calendar_has_are_refused(
    http: Http, method: str, path: str, body: dict[str, Any]
) -> None:
    await http.good("PUT", "/calendars/office", OFFICE)
    answer = await http.ask(method, path, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_range")


async def test_many_defaults_at_once_leave_one(http: Http) -> None:
    codes = [f"c{number}" for number in range(6)]
    puts = (http.ask("PUT", f"/calendars/{code}", {**OFFICE, "default": True}) for code in codes)
    assert {answer.status_code for answer in await asyncio.gather(*puts)} == {200}
    listed = (await http.good("GET", "/calendars"))["items"]
    assert sum(one["default"] for one in listed) == 1
