"""Spans by the business clock: counted by the branch's calendar, else the default, fact by fact."""

import random
import statistics
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from otklik_common.clocks.business_time import business_time
from otklik_common.clocks.told import calendar_of
from otklik_common.events.access import Branch, Calendar, CalendarRules
from otklik_common.events.contact_center import Channel, Contact, Reply
from tests.support.facts import SOURCE, a_contact
from tests.support.metrics_api import NOW, Office, a_body, id_of, numbered

pytestmark = pytest.mark.asyncio

NINE_TO_SIX = ("09:00-18:00",)
WEEK = (NINE_TO_SIX, NINE_TO_SIX, NINE_TO_SIX, NINE_TO_SIX, NINE_TO_SIX, (), ())
FRIDAY = datetime(2026, 3, 6, 14, 30, tzinfo=UTC)
"""17:30 in Moscow; Monday 9 March is a day off in Russia, moved from Sunday."""

HOUR = timedelta(hours=1)


def a_calendar(
    *, default: bool = True, holidays: str | None = None, code: str = "office"
) -> Calendar:
    rules = CalendarRules(timezone="Europe/Moscow", week=WEEK, holidays=holidays)
    return Calendar(code=code, default=default, rules=(rules,))


def first_response(hours: float | None, *, asked_at: datetime = FRIDAY, **said: object) -> Contact:
    """A chat whose first question was answered after so many hours; None: not yet."""
    known = {} if hours is None else {"first_response_ms": round(hours * 3_600_000)}
    return a_contact(
        channel=Channel.CHAT, offered_at=asked_at, first_asked_at=asked_at, **known, **said
    )


def resolved(start: datetime, end: datetime, **said: object) -> Contact:
    """A contact that was open from one moment to another, after who knows what."""
    lasted = round((end - start).total_seconds() * 1000)
    return a_contact(
        offered_at=start - 48 * HOUR, closed_at=end, ended_at=end, resolution_ms=lasted, **said
    )


def by(statistic: str, name: str = "first_response_seconds") -> dict[str, str]:
    return {"name": name, "statistic": statistic, "clock": "business", "as": statistic}


async def test_nights_and_weekends_do_not_count(office: Office) -> None:
    await office.access_says("calendar", "office", a_calendar())
    await office.hear({"monday": first_response(64.5)})
    found = await office.query(by("mean"), {"name": "first_response_seconds"}, explain=True)
    row = found["rows"][0]
    assert row["first_response_seconds"]["value"] == 64.5 * 3600
    assert (row["mean"]["value"], row["mean"]["n"]) == (1.5 * 3600, 1)
    (step,) = (one for one in found["plan"] if one["metric"] == "mean")
    assert (step["reads"], step["rows"], step["because"]) == (
        "facts",
        1,
        "it is counted by a calendar",
    )


async def test_days_off_of_the_production_calendar_do_not_count(office: Office) -> None:
    await office.access_says("calendar", "office", a_calendar(holidays="RU"))
    await office.hear({"monday": first_response(64.5)})
    assert (await office.query(by("mean")))["rows"][0]["mean"]["value"] == 0.5 * 3600


async def test_the_default_calendar_is_the_one_that_counts(office: Office) -> None:
    await office.access_says("calendar", "other", a_calendar(default=False, code="other"))
    await office.hear({"monday": first_response(64.5)})
    body = a_body({"name": "first_response_seconds", "clock": "business"})
    assert await office.refusal(body) == (422, "no_calendar")
    await office.access_says("calendar", "office", a_calendar())
    found = await office.query(by("mean"), {"name": "first_response_seconds"})
    assert found["rows"][0]["mean"]["value"] == 1.5 * 3600
    notes = {name: receipt["notes"] for name, receipt in found["receipts"].items()}
    assert notes == {
        "mean": ["business time of the calendar office, the company's default, as it is now"],
        "first_response_seconds": [],
    }


async def test_the_past_has_no_calendar(office: Office) -> None:
    await office.access_says("calendar", "office", a_calendar())
    body = a_body({"name": "first_response_seconds", "clock": "business"}, as_of=NOW.isoformat())
    assert await office.refusal(body) == (422, "no_past_calendar")


async def branches_have_hours(office: Office) -> None:
    """Kazan is open at weekends, Ufa names a calendar that is gone, others are as the company."""
    await office.access_says("calendar", "office", a_calendar())
    weekends = CalendarRules(
        timezone="Europe/Moscow", week=((), (), (), (), (), *2 * (NINE_TO_SIX,))
    )
    await office.access_says("calendar", "weekends", Calendar(code="weekends", rules=(weekends,)))
    for branch, calendar in (("kazan", "weekends"), ("ufa", "gone"), ("omsk-2", "office")):
        await office.access_says(
            "branch", branch, Branch(code=branch, groups=("own",), calendar=calendar)
        )


async def test_a_branch_counts_by_its_own_calendar_and_others_by_the_company_s(
    office: Office,
) -> None:
    await branches_have_hours(office)
    await office.hear(
        {
            str(branch): first_response(64.5, branch=branch)
            for branch in ("kazan", "ufa", "omsk-2", "tyumen", None)
        }
    )
    found = await office.query(by("mean"), group_by=["branch"])
    hours = {row["branch"]: row["mean"]["value"] / 3600 for row in found["rows"]}
    # Friday 17:30 to Monday 10:00: an hour and a half of the company's, two days of Kazan's.
    assert hours == {"kazan": 18, "ufa": 1.5, "omsk-2": 1.5, "tyumen": 1.5, None: 1.5}
    (row,) = (await office.query(*map(by, ("mean", "min", "max", "p50", "p90"))))["rows"]
    together = {name: cell["value"] / 3600 for name, cell in row.items() if name != "bucket"}
    assert together == {"mean": 24 / 5, "min": 1.5, "max": 18, "p50": 1.5, "p90": 18}
    assert row["mean"]["n"] == 5


async def test_a_receipt_names_the_calendars_that_counted_and_no_other(office: Office) -> None:
    await branches_have_hours(office)
    await office.hear(
        {name: first_response(64.5, branch=name) for name in ("kazan", "tyumen")}
        | {"long ago": first_response(1, branch="kazan", asked_at=FRIDAY - 28 * 24 * HOUR)}
    )

    async def told(*branches: str, **said: Any) -> tuple[list[str], str]:
        filters = [{"dimension": "branch", "op": "in", "values": branches}] if branches else []
        found = await office.query(by("mean"), filters=filters, **said)
        receipt = found["receipts"]["mean"]
        (note,) = receipt["notes"]
        return receipt["calendars"], note

    both = (
        "business time of the calendars office, weekends, as they are now: of each branch its own, "
        "else office, the company's default"
    )
    alone = "business time of the calendar office, the company's default, as it is now"
    assert await told() == (["office", "weekends"], both)
    assert await told("tyumen") == (["office"], alone)
    assert await told("kazan") == (["weekends"], both.replace("office, weekends", "weekends"))
    assert await told("perm") == ([], alone)
    # What it is compared with is counted as well.
    assert await told("kazan", "perm", compare="previous") == await told("kazan")
    elapsed = await office.query("first_response_seconds")
    assert elapsed["receipts"]["first_response_seconds"].get("calendars") is None


async def test_hours_are_those_of_the_day_of_the_span(office: Office) -> None:
    await office.access_says("calendar", "office", a_calendar())
    until = CalendarRules(timezone="Europe/Moscow", week=WEEK)
    since = CalendarRules(since=date(2026, 3, 9), timezone="Asia/Yekaterinburg", week=WEEK)
    moved = Calendar(code="moved", rules=(until, since))
    await office.access_says("calendar", "moved", moved)
    await office.access_says("branch", "kazan", Branch(code="kazan", calendar="moved"))
    await office.hear({"monday": first_response(64.5, branch="kazan")})
    found = await office.query(by("mean"))
    # Friday by the old rules, 17:30 to 18:00; Monday by the new ones, 9:00 to 12:00 by their clock.
    assert found["rows"][0]["mean"]["value"] == 3.5 * 3600


async def test_groups_of_branches_and_the_rest_of_a_top_add_up_over_calendars(
    office: Office,
) -> None:
    await branches_have_hours(office)
    await office.hear(
        {str(branch): first_response(64.5, branch=branch) for branch in ("kazan", "ufa", "perm")}
        | {"open": first_response(None, branch="kazan")}
    )
    found = await office.query(by("mean"), by("p50"), group_by=["branch_group"])
    groups = {
        row["branch_group"]: (row["mean"]["value"] / 3600, row["p50"]["n"], row["p50"]["open"])
        for row in found["rows"]
    }
    assert groups == {"own": (9.75, 3, 1), "ural": (1.5, 1, 0)}
    top = await office.query(by("mean"), group_by=["branch"], top={"n": 1, "other": True})
    assert [(row["branch"], row["mean"]["value"] / 3600) for row in top["rows"]] == [
        ("kazan", 18),
        (None, 1.5),
    ]


async def test_every_statistic_is_told_of_business_time_and_who_waits_is_censored(
    office: Office,
) -> None:
    await office.access_says("calendar", "office", a_calendar())
    spans = {"a": 0.25, "b": 0.5, "c": 64.5, "d": 16.0}
    facts = {name: first_response(hours) for name, hours in spans.items()}
    await office.hear(facts | {"open": first_response(None)})
    found = await office.query(*map(by, ("mean", "min", "max", "p50", "p75", "p99")))
    row = found["rows"][0]
    # 15 and 30 minutes on Friday; Monday at ten; Saturday, when only the half hour had passed.
    hours = {
        name: cell["value"] and cell["value"] / 3600
        for name, cell in row.items()
        if name != "bucket"
    }
    assert hours == {"mean": 0.6875, "min": 0.25, "max": 1.5, "p50": 0.5, "p75": 1.5, "p99": None}
    assert (row["p50"]["n"], row["p50"]["open"], row["p99"]["reason"]) == (5, 1, "not_reached")
    assert row["mean"]["excluded"] == {"still_open": 1}


async def test_a_resolution_counts_from_its_last_reopening(office: Office) -> None:
    await office.access_says("calendar", "office", a_calendar())
    await office.hear({"again": resolved(FRIDAY, FRIDAY + 64.5 * HOUR)})
    found = await office.query(by("max", "resolution_seconds"))
    assert found["rows"][0]["max"]["value"] == 1.5 * 3600


async def test_next_responses_count_each_gap(office: Office) -> None:
    await office.access_says("calendar", "office", a_calendar())
    gaps = [
        Reply(
            contact=uuid4(),
            source=SOURCE,
            channel=Channel.CHAT,
            branch="tyumen",
            first=False,
            asked_at=FRIDAY,
            replied_at=FRIDAY + hours * HOUR,
            waited_ms=round(hours * 3_600_000),
        )
        for hours in (0.25, 64.5)
    ]
    await office.hear(numbered("gap", gaps))
    found = await office.query(by("mean", "next_response_seconds"))
    assert (found["rows"][0]["mean"]["value"], found["rows"][0]["mean"]["n"]) == (0.875 * 3600, 2)


async def test_groups_add_up_whatever_they_are_gathered_by(office: Office) -> None:
    calendar = a_calendar(holidays="RU")
    await office.access_says("calendar", "office", calendar)
    dice, told = random.Random(5), business_time(calendar_of(calendar))
    branches = ("tyumen", "perm", "omsk")
    facts, truth = [], []
    for _ in range(150):
        asked_at = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(minutes=dice.randrange(20 * 1440))
        hours, branch = dice.randrange(1, 300) / 4, dice.choice(branches)
        facts.append(first_response(hours, asked_at=asked_at, branch=branch))
        passed = told.between(asked_at, asked_at + hours * HOUR).total_seconds()
        truth.append((branch, asked_at, passed))
    await office.hear(numbered("f", facts))
    metrics = [by(one) for one in ("mean", "min", "max", "p50")]

    def check(row: dict[str, dict[str, float]], spans: list[float]) -> None:
        assert row["mean"]["n"] == len(spans)
        assert row["mean"]["value"] == pytest.approx(statistics.fmean(spans))
        assert (row["min"]["value"], row["max"]["value"]) == (min(spans), max(spans))
        assert row["p50"]["value"] == sorted(spans)[-(-len(spans) // 2) - 1]

    by_branch = await office.query(*metrics, group_by=["branch"])
    for row in by_branch["rows"]:
        check(row, [passed for branch, _, passed in truth if branch == row["branch"]])
    by_group = await office.query(*metrics, group_by=["branch_group"])
    ural = next(row for row in by_group["rows"] if row["branch_group"] == "ural")
    check(ural, [passed for branch, _, passed in truth if branch in ("tyumen", "perm")])
    top = await office.query(*metrics, group_by=["branch"], top={"n": 1, "other": True})
    other = next(row for row in top["rows"] if row.get("other"))
    first = next(row["branch"] for row in top["rows"] if not row.get("other"))
    check(other, [passed for branch, _, passed in truth if branch != first])
    weeks = await office.query(*metrics, time={"granularity": "week"})
    for row in weeks["rows"]:
        start = datetime.fromisoformat(row["bucket"])
        inside = [passed for _, at, passed in truth if start <= at < start + timedelta(days=7)]
        if inside:
            check(row, inside)
        else:
            assert row["mean"]["value"] is None


async def test_the_spans_behind_a_number_are_listed(office: Office) -> None:
    await office.access_says("calendar", "office", a_calendar())
    facts = {"done": first_response(64.5), "open": first_response(None)}
    await office.hear(facts)
    for statistic, behind in (("mean", ["done"]), ("p50", ["done", "open"])):
        metric = {"name": "first_response_seconds", "clock": "business", "statistic": statistic}
        time = a_body("nps")["time"]
        found = await office.call("POST", "/query/records", {"metric": metric, "time": time})
        assert found.status_code == 200, found.text
        known = {str(id_of(name)): name for name in facts}
        assert sorted(known[one["subject"]] for one in found.json()["items"]) == behind
