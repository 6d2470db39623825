"""What Prometheus reads: the query's own numbers, bounded labels, nothing personal."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from otklik_common import observability
from otklik_common.events.contact_center import Outcome, Source
from otklik_common.events.feedback import Case
from otklik_common.module import Platform
from otklik_common.runtime import make_platform
from otklik_common.settings import Settings
from otklik_metrics.actions import exposition
from otklik_metrics.api.exposition import Gauges, read_once
from otklik_metrics.domain import silent_sources
from otklik_metrics.domain.gauges import GAUGES, MOST_SAMPLES
from otklik_metrics.domain.series import label_names
from otklik_metrics.domain.silent_sources import Sources
from otklik_metrics.store import exposition as store
from otklik_metrics.store.tables import SCHEMA
from tests.support.facts import a_contact, an_answer, an_answered_contact
from tests.support.metrics_api import Office, a_body, an_office, metrics_app, numbered

OTHER = "ph1_BBBBBBBBBBBBBBBBBBBBBBBB"
NOW = datetime(2026, 3, 20, 9, 10, tzinfo=UTC)


@pytest_asyncio.fixture
async def platform(metrics_settings: Settings) -> AsyncIterator[Platform]:
    """What a process lends to metrics."""
    made = make_platform(metrics_settings)
    yield made
    await made.close()


@pytest_asyncio.fixture
async def office(platform: Platform, metrics_settings: Settings) -> AsyncIterator[Office]:
    """The only company there is: the numbers of others would stand beside its own."""
    admin = await asyncpg.connect(metrics_settings.admin_database_url)
    await admin.execute("DELETE FROM metrics.rollup_versions")
    yield await Office(platform, admin, metrics_app(platform)).found()
    await admin.close()


async def scraped(platform: Platform) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Samples of a scrape after the worker has computed, by name and labels."""
    assert await exposition.refresh_once(platform, platform.database(SCHEMA, "worker"), NOW)
    gauges = Gauges(platform, [])
    await read_once(gauges)
    registry = observability.make_registry()
    registry.register(gauges)
    body = observability.expose(registry).decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(body)
        for sample in family.samples
    }


@pytest.mark.asyncio
async def test_gauges_are_the_answers_of_the_query(office: Office, platform: Platform) -> None:
    call: dict[str, Any] = {"offered_at": NOW - timedelta(minutes=30), "queue": "sales"}
    gone: dict[str, Any] = {"outcome": Outcome.ABANDONED, "waited_ms": 60_000, "ended_at": NOW}
    answers = [an_answer(answered_at=NOW - timedelta(days=5), nps=n) for n in (10, 10, 9, 8, 3)]
    await office.hear(
        numbered("fast", [an_answered_contact(5_000, **call)] * 3)
        | {"gone": a_contact(**call, **gone), "open": a_contact(**call)}
        | {"missed": a_contact(**(call | {"queue": "claims"}), **gone, identifiers=(OTHER,))}
        | {"yesterday": an_answered_contact(offered_at=NOW - timedelta(days=1))}
        | numbered("answer", answers)
        | {
            "case": Case(
                reason="nps",
                opened_at=NOW - timedelta(days=5),
                due_at=NOW - timedelta(days=3),
                branch="perm",
            )
        }
    )
    found = await scraped(platform)

    def value(name: str, **labels: str) -> float | None:
        return found.get((name, frozenset({"company": office.tenant, **labels}.items())))

    queue = {"channel": "call", "queue": "sales"}
    assert value("otklik_contacts", **queue, state="offered") == 5
    assert value("otklik_contacts", **queue, state="answered") == 3
    assert value("otklik_contacts", **queue, state="abandoned") == 1
    assert value("otklik_contacts", **queue, state="open") == 1
    assert value("otklik_service_level_ratio", **queue, window="today") == 0.75
    assert value("otklik_service_level_ratio", **queue, window="1h") == 0.75
    assert value("otklik_service_level_contacts", **queue, window="1h") == 4
    assert value("otklik_wait_mean_seconds", **queue) == 5
    assert value("otklik_contacts_missed", branch="tyumen") == 1
    assert value("otklik_not_called_back_people", branch="tyumen") == 1
    assert value("otklik_nps_points", branch="tyumen") == 40
    assert value("otklik_nps_answers", branch="tyumen", category="promoter") == 3
    assert value("otklik_nps_answers", branch="tyumen", category="passive") == 1
    assert value("otklik_cases_overdue", branch="perm") == 1
    assert value("otklik_csi_points", branch="tyumen") is None
    assert found["otklik_exposition_age_seconds", frozenset()] > 0


@pytest.mark.asyncio
async def test_the_map_of_hours_is_the_largest_companys_alone(
    office: Office, platform: Platform, metrics_settings: Settings
) -> None:
    """Of a month: more series than there is room for in all companies."""
    at = datetime(2026, 3, 16, 21, 30, tzinfo=UTC)  # 00:30 on Tuesday, the 17th, in Moscow
    await office.hear(numbered("ours", [an_answered_contact(offered_at=at)] * 3))
    async with an_office(metrics_settings) as small:
        await small.hear(numbered("theirs", [an_answered_contact(offered_at=at)] * 2))
    found = await scraped(platform)
    by_hour = {key[1]: n for key, n in found.items() if key[0] == "otklik_contacts_by_hour"}
    ours = {"company": office.tenant, "weekday": "2", "two_hour_slot": "0"}
    assert by_hour == {frozenset(ours.items()): 3}
    by_day = {key[1]: n for key, n in found.items() if key[0] == "otklik_contacts_by_day"}
    assert by_day == {frozenset({"company": office.tenant, "day_of_month": "17"}.items()): 3}


@pytest.mark.asyncio
async def test_series_are_bounded_and_the_rest_is_other(office: Office, platform: Platform) -> None:
    calls = {
        f"{n}.{k}": an_answered_contact(offered_at=NOW - timedelta(minutes=30), queue=f"q{n}")
        for n in range(300)
        for k in range(2 if n < 20 else 1)
    }
    await office.hear(calls)
    found = await scraped(platform)
    ours = [key for key in found if key[0].startswith("otklik_contacts")]
    offered = {key: n for key, n in found.items() if ("state", "offered") in key[1]}
    assert sum(offered.values()) == len(calls)
    assert any(("queue", "other") in labels for _, labels in offered)
    assert all(
        n == 2 for (_, labels), n in offered.items() if dict(labels)["queue"] in {"q1", "q19"}
    )
    assert len(ours) <= MOST_SAMPLES
    assert len(found) < 2_000
    assert found["otklik_exposition_cut_groups", frozenset()] > 0


@pytest.mark.asyncio
async def test_the_smaller_companies_are_other_together(office: Office, platform: Platform) -> None:
    offices = [await Office(platform, office.admin, office.app).found() for _ in range(24)]
    for size, one in enumerate(offices, start=1):
        calls = [an_answered_contact(offered_at=NOW - timedelta(minutes=30))] * size
        await one.hear(numbered(one.tenant, calls))
    found = await scraped(platform)
    offered = {
        dict(labels)["company"]: n
        for (name, labels), n in found.items()
        if name == "otklik_contacts" and ("state", "offered") in labels
    }
    assert set(offered) == {one.tenant for one in offices[4:]} | {"other"}
    assert offered["other"] == 1 + 2 + 3 + 4


@pytest.mark.asyncio
async def test_companies_keep_their_label_over_midnight(office: Office, platform: Platform) -> None:
    """Just after midnight a large company may have had no contact yet, and small ones some."""
    yesterday = [an_answered_contact(offered_at=NOW - timedelta(days=1))] * 5
    answers = [an_answer(answered_at=NOW - timedelta(days=5), nps=9)] * 5
    await office.hear(numbered("call", yesterday) | numbered("answer", answers))
    for _ in range(20):
        one = await Office(platform, office.admin, office.app).found()
        await one.hear({one.tenant: an_answered_contact(offered_at=NOW - timedelta(minutes=9))})
    found = await scraped(platform)
    labels = frozenset({"company": office.tenant, "branch": "tyumen"}.items())
    assert found["otklik_nps_points", labels] == 100


@pytest.mark.asyncio
async def test_open_cases_stay_until_they_are_closed(office: Office, platform: Platform) -> None:
    said: dict[str, Any] = {"reason": "nps", "branch": "perm"}
    long_ago = NOW - timedelta(days=400)
    cases = [
        Case(opened_at=long_ago, due_at=long_ago + timedelta(days=2), **said),
        Case(opened_at=long_ago, due_at=NOW + timedelta(days=2), **said),
        Case(opened_at=long_ago, due_at=long_ago, closed_at=long_ago, **said),
    ]
    await office.hear(numbered("case", cases))
    found = await scraped(platform)
    labels = frozenset({"company": office.tenant, "branch": "perm"}.items())
    assert found["otklik_cases_open", labels] == 2
    assert found["otklik_cases_overdue", labels] == 1


@pytest.mark.asyncio
async def test_codes_that_read_like_ours_are_apart(office: Office, platform: Platform) -> None:
    offered: dict[str, Any] = {"offered_at": NOW - timedelta(minutes=30)}
    queues = (None, "none", "_none", "other", "others")
    calls = [an_answered_contact(queue=queue, **offered) for queue in queues]
    await office.hear(numbered("call", calls))
    found = await scraped(platform)
    shown = {
        dict(labels)["queue"]: n
        for (name, labels), n in found.items()
        if name == "otklik_contacts" and ("state", "offered") in labels
    }
    assert shown == dict.fromkeys(("none", "_none", "__none", "_other", "others"), 1)


@pytest.mark.asyncio
async def test_satisfaction_is_shown_by_what_was_rated(office: Office, platform: Platform) -> None:
    rated: dict[str, Any] = {
        "csi_score_micro": 4_000_000,
        "csi_most_micro": 5_000_000,
        "csi_least_micro": 1_000_000,
        "csi_importance_micro": 1_000_000,
        "answered_at": NOW - timedelta(days=5),
        "nps": None,
    }
    answers = [an_answer(touchpoint="deal", **rated), an_answer(touchpoint=None, **rated)] * 5
    await office.hear(numbered("answer", answers))
    found = await scraped(platform)
    of_branch = frozenset({"company": office.tenant, "branch": "tyumen"}.items())
    assert found["otklik_csi_answers", of_branch] == 10
    shown = {labels: n for (name, labels), n in found.items() if name.startswith("otklik_csi_cat")}
    assert shown == {frozenset({"company": office.tenant, "category": "deal"}.items()): 80}


@pytest.mark.asyncio
async def test_refused_questions_are_counted_by_their_code(
    office: Office, platform: Platform
) -> None:
    def counted(code: str) -> float | None:
        return platform.registry.get_sample_value("otklik_metrics_refusals_total", {"code": code})

    assert await office.refusal(a_body("npz")) == (422, "unknown_metric")
    assert await office.refusal(a_body("npz")) == (422, "unknown_metric")
    behind = a_body("nps", as_of="2090-01-01T00:00:00Z")
    assert await office.refusal(behind) == (409, "history_behind")
    record = {"metric": {"name": "occupancy"}, "time": a_body("nps")["time"]}
    assert await office.refusal(record, "/query/records") == (422, "no_records")
    assert [counted(code) for code in ("unknown_metric", "history_behind", "no_records")] == [
        2,
        1,
        1,
    ]


@pytest.mark.asyncio
async def test_silent_sources_are_counted_by_product_and_never_named(
    office: Office, platform: Platform
) -> None:
    await office.hear({"call": an_answered_contact(offered_at=NOW - timedelta(minutes=9))})
    said: dict[str, Any] = {"created_at": NOW - timedelta(days=90), "product": "mango"}
    silence: dict[str, Any] = {"silent": True, "silent_since": NOW, "usual_gap_ms": 60_000}
    heard = Source(name="Petrova's telephone", **said)
    await office.hear(
        {
            "one": heard,
            "two": heard.model_copy(update=silence),
            "form": Source(name="form", **said | {"product": "form"}),
            "gone": Source(name="gone", active=False, **said | silence),
        }
    )

    async def shown() -> dict[str, float]:
        return {
            labels["product"]: n
            for (name, pairs), n in (await scraped(platform)).items()
            if name == "otklik_source_silent"
            and (labels := dict(pairs))["company"] == office.tenant
            and set(labels) == {"company", "product"}
        }

    assert await shown() == {"mango": 1, "form": 0}
    await office.hear({"two": heard}, revision=2)
    assert await shown() == {"mango": 0, "form": 0}


def test_rare_products_and_small_companies_are_other_together() -> None:
    found = [Sources("big", f"p{n:02}", 100 - n, 1) for n in range(22)]
    found += [Sources("small", "p00", 1, 1), Sources("tiny", "p00", 1, 1)]
    samples = {one.labels: one.value for one in silent_sources.samples(found, ["big"])}
    assert len(samples) == silent_sources.MOST_PRODUCTS + 2
    assert samples["big", "other"] == 2
    assert samples["other", "p00"] == 2


def test_no_label_names_a_person_or_an_agent() -> None:
    about = {"company", "channel", "queue", "branch", "team", "state", "window", "category"}
    when = {"weekday", "two_hour_slot", "day_of_month"}
    names = {name for gauge in GAUGES for name in label_names(gauge)}
    assert names <= about | when | {"policy", "target"}


@pytest.mark.asyncio
async def test_one_process_computes_at_a_time(platform: Platform) -> None:
    db = platform.database(SCHEMA, "worker")
    async with db.begin_as_worker() as tx:
        assert await store.lock(tx, exposition.LOCK)
        assert not await exposition.refresh_once(platform, db, NOW)
    stop = asyncio.Event()
    stop.set()
    await exposition.refresh(platform, stop)
