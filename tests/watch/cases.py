"""For each alert a course of events: it goes bad, somebody is called, it gets well again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Case:
    """
    One alert's course.

    Attributes:
        series: What is scraped, in promtool's notation: `0x3 1+2x4`.
        quiet: A moment at which it is bad, or is not yet, and nobody is called.
        fires, clears: Moments at which the alert is on, and off again.
        labels: Of the alert, its severity apart.
        value: As its summary says it.
        every: Between two scrapes, and between two looks at the rules.
    """

    series: Mapping[str, str]
    quiet: str
    fires: str
    clears: str
    labels: Mapping[str, str] = field(default_factory=dict)
    value: str = ""
    every: str = "15s"


def _then(bad: float, good: float, minutes: int) -> str:
    """Bad for so many minutes, then good for ten."""
    return f"{bad}x{4 * minutes - 1} {good}x40"


def _slow(name: str, labels: str, fast: str, slow: str, minutes: int) -> dict[str, str]:
    """A histogram: everything is slow for so many minutes, then everything is fast."""
    steps = 4 * minutes
    whole = f"0+10x{steps} {10 * steps + 10}+10x80"
    return {
        f'{name}_bucket{{{labels},le="{fast}"}}': f"0x{steps} 10+10x80",
        f'{name}_bucket{{{labels},le="{slow}"}}': whole,
        f'{name}_bucket{{{labels},le="+Inf"}}': whole,
    }


_WORKER: Final = {"job": "otklik-worker", "instance": "w:9080"}
_API: Final = {"job": "otklik-api", "instance": "a:8080"}
_FACTS: Final = {"consumer": "metrics.facts"}
_TOPIC: Final = {"topic": "otklik.feedback"}
_SCHEMA: Final = {"schema": "feedback"}
_BRANCH: Final = {"company": "c1", "branch": "perm"}
_QUEUE: Final = {"company": "c1", "channel": "call", "queue": "sales", "window": "1h"}
_PRODUCT: Final = {"company": "c1", "product": "asterisk"}
_POOL: Final = {"company": "c1", "tracker": "site", "pool": "search"}
_QUIET_POOL: Final = {**_POOL, "pool": "leaflets"}
_LARGE_POOL: Final = {**_POOL, "pool": "cpc"}
_LIVE: Final = {"lane": "live"}


def _of(name: str, labels: Mapping[str, str]) -> str:
    inner = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return f"{name}{{{inner}}}"


CASES: Final[Mapping[str, Case]] = {
    "OtklikProcessDown": Case(
        {_of("up", _WORKER): _then(0, 1, 3)}, "30s", "2m", "4m", labels=_WORKER
    ),
    "OtklikCheckFailing": Case(
        {_of("otklik_check_failing", {**_WORKER, "check": "metrics.facts"}): _then(1, 0, 4)},
        "1m",
        "3m",
        "5m",
        labels={**_WORKER, "check": "metrics.facts"},
    ),
    "OtklikEndedItself": Case(
        # Its predecessors had ended themselves twice; that was before.
        {
            _of("otklik_process_self_endings_total", {**_WORKER, "reason": "stuck"}): "2x4 3x200",
            _of("otklik_process_self_endings_total", {**_WORKER, "reason": "send_failed"}): "1x204",
        },
        "1m",
        "2m",
        "20m",
        labels={**_WORKER, "reason": "stuck"},
    ),
    "OtklikRestarts": Case(
        {_of("process_start_time_seconds", _WORKER): "100x2 200 300 400x100"},
        "45s",
        "2m",
        "20m",
        labels=_WORKER,
        value="3",
    ),
    "OtklikClockSkew": Case(
        {_of("otklik_clock_skew_seconds", _WORKER): _then(-5, 0.01, 4)},
        "1m",
        "3m",
        "5m",
        labels=_WORKER,
        value="5s",
    ),
    "OtklikEventLoopLate": Case(
        _slow(
            "otklik_event_loop_late_seconds",
            'job="otklik-worker",instance="w:9080"',
            "0.25",
            "1",
            15,
        ),
        "4m",
        "12m",
        "25m",
        labels=_WORKER,
        value="992.5ms",
    ),
    "OtklikTooManySeries": Case(
        {_of("scrape_samples_scraped", _WORKER): _then(2500, 500, 20)},
        "10m",
        "16m",
        "21m",
        labels=_WORKER,
        value="2500",
    ),
    "OtklikApiErrors": Case(
        {
            _of("otklik_http_requests_total", {**_API, "status": "5xx"}): "0+5x80 400x80",
            _of("otklik_http_requests_total", {**_API, "status": "2xx"}): "0+45x160",
            # Few requests prove nothing.
            _of(
                "otklik_http_requests_total", {**_API, "instance": "b:8080", "status": "5xx"}
            ): "0+1x160",
        },
        "4m",
        "15m",
        "30m",
        labels=_API,
        value="10%",
    ),
    "OtklikApiSlow": Case(
        _slow(
            "otklik_http_request_seconds", 'job="otklik-api",instance="a:8080"', "1.0", "5.0", 20
        ),
        "8m",
        "15m",
        "30m",
        labels=_API,
        value="4.96s",
    ),
    "OtklikFoldBehind": Case(
        {
            _of("otklik_contact_center_unfolded_seconds", _LIVE): _then(90, 0, 4),
            # An import may wait.
            _of("otklik_contact_center_unfolded_seconds", {"lane": "bulk"}): _then(9000, 0, 4),
        },
        "1m",
        "3m",
        "5m",
        labels=_LIVE,
        value="1m 30s",
    ),
    "OtklikContactsParked": Case(
        {"otklik_contact_center_parked_contacts": _then(2, 0, 8)}, "3m", "6m", "9m", value="2"
    ),
    "OtklikOutboxOld": Case(
        {_of("otklik_relay_oldest_seconds", _TOPIC): _then(90, 0.5, 4)},
        "1m",
        "3m",
        "5m",
        labels=_TOPIC,
        value="1m 30s",
    ),
    "OtklikRelayMissing": Case(
        # Of two workers one stood by all the time; it takes over.
        {
            _of("otklik_relay_active", {**_TOPIC, "instance": "a"}): "1x3 0x60",
            _of("otklik_relay_active", {**_TOPIC, "instance": "b"}): "0x16 1x40",
        },
        "30s",
        "3m",
        "5m",
        labels=_TOPIC,
    ),
    "OtklikConsumerBehind": Case(
        {_of("otklik_consumer_lag_seconds", _FACTS): _then(120, 0, 4)},
        "1m",
        "3m",
        "5m",
        labels=_FACTS,
        value="2m 0s",
    ),
    "OtklikRelayTroubled": Case(
        {_of("otklik_relay_troubled", _TOPIC): _then(1, 0, 4)}, "30s", "2m", "5m", labels=_TOPIC
    ),
    "OtklikConsumerTroubled": Case(
        {_of("otklik_consumer_troubled", _FACTS): _then(1, 0, 4)}, "30s", "2m", "5m", labels=_FACTS
    ),
    "OtklikDeadLettersNew": Case(
        {_of("otklik_consumer_dead_letters_total", _FACTS): "7x4 9x200"},
        "1m",
        "2m",
        "20m",
        labels=_FACTS,
    ),
    "OtklikDeadLettersOpen": Case(
        {_of("otklik_dead_letters_open", _SCHEMA): "3x99 0x20"},
        "23h",
        "24h30m",
        "26h",
        labels=_SCHEMA,
        value="3",
        every="15m",
    ),
    "OtklikPoolWaits": Case(
        _slow("otklik_pool_wait_seconds", 'schema="feedback",role="api"', "0.1", "0.5", 15),
        "4m",
        "12m",
        "25m",
        labels={"schema": "feedback", "role": "api"},
        value="496ms",
    ),
    "OtklikOldSnapshot": Case(
        {_of("otklik_oldest_snapshot_seconds", _SCHEMA): "0+15x40 0x40"},
        "5m30s",
        "10m",
        "11m",
        labels=_SCHEMA,
        value="10m 0s",
    ),
    "OtklikOutboxBloat": Case(
        {_of("otklik_outbox_dead_rows", _SCHEMA): _then(60000, 100, 15)},
        "8m",
        "12m",
        "16m",
        labels=_SCHEMA,
        value="60000",
    ),
    "OtklikLedgerFaults": Case(
        {"otklik_loyalty_ledger_faults": "0x3 1x12 0x40"}, "30s", "2m", "5m", value="1"
    ),
    "OtklikLedgerUnchecked": Case(
        # It audits at its start, and then after ten hours.
        {"otklik_loyalty_ledger_checked_timestamp_seconds": "1x120 36000x20"},
        "7h",
        "9h",
        "10h10m",
        value="8h 59m 59s",
        every="5m",
    ),
    "OtklikNumbersOld": Case(
        {_of("otklik_exposition_age_seconds", _WORKER): _then(300, 5, 4)},
        "1m",
        "3m",
        "5m",
        labels=_WORKER,
        value="5m 0s",
    ),
    "OtklikNumbersMissing": Case(
        {"otklik_exposition_age_seconds": "_x49 5x40"}, "8m", "11m", "13m"
    ),
    "OtklikServiceLevelLow": Case(
        {
            _of("otklik_service_level_ratio", _QUEUE): _then(0.5, 0.9, 20),
            _of("otklik_service_level_contacts", _QUEUE): "30x140",
            # One of two calls unanswered is no breach.
            _of("otklik_service_level_ratio", {**_QUEUE, "queue": "claims"}): "0.5x140",
            _of("otklik_service_level_contacts", {**_QUEUE, "queue": "claims"}): "2x140",
        },
        "10m",
        "16m",
        "21m",
        labels=_QUEUE,
        value="50%",
    ),
    "OtklikNotCalledBack": Case(
        {_of("otklik_not_called_back_people", _BRANCH): _then(7, 2, 35)},
        "20m",
        "31m",
        "36m",
        labels=_BRANCH,
        value="7",
    ),
    "OtklikPromisesOverdue": Case(
        {_of("otklik_sla_overdue_promises", _BRANCH): _then(12, 3, 35)},
        "20m",
        "31m",
        "36m",
        labels=_BRANCH,
        value="12",
    ),
    "OtklikPromisesAtRisk": Case(
        {_of("otklik_promises_at_risk", _BRANCH): _then(12, 3, 20)},
        "10m",
        "16m",
        "21m",
        labels=_BRANCH,
        value="12",
    ),
    "OtklikSourceSilent": Case(
        {
            _of("otklik_source_silent", _PRODUCT): _then(2, 0, 5),
            _of("otklik_source_silent", {**_PRODUCT, "product": "mango"}): "0x80",
        },
        "30s",
        "2m",
        "6m",
        labels=_PRODUCT,
        value="2",
    ),
    "OtklikNumberPoolShort": Case(
        {
            _of("otklik_number_pool_missing", _POOL): _then(6, 0, 20),
            _of("otklik_number_pool_visitors", {**_POOL, "found": "number"}): "400x120",
            # Whoever was lost is not forgotten at once; numbers that came end it.
            _of("otklik_number_pool_visitors", {**_POOL, "found": "none"}): "5x120",
            # Few numbers, and few who came: four of eight are no proof.
            _of("otklik_number_pool_missing", _QUIET_POOL): "3x120",
            _of("otklik_number_pool_visitors", {**_QUIET_POOL, "found": "number"}): "4x120",
            _of("otklik_number_pool_visitors", {**_QUIET_POOL, "found": "none"}): "4x120",
            # Five of a thousand: that much its busiest hour may cost.
            _of("otklik_number_pool_missing", _LARGE_POOL): "1x120",
            _of("otklik_number_pool_visitors", {**_LARGE_POOL, "found": "number"}): "995x120",
            _of("otklik_number_pool_visitors", {**_LARGE_POOL, "found": "none"}): "5x120",
        },
        "10m",
        "16m",
        "21m",
        labels=_POOL,
        value="6",
    ),
    "OtklikEventsRefused": Case(
        {
            _of("otklik_contact_center_events_total", {"result": "refused"}): "0+5x160 800x120",
            _of("otklik_contact_center_events_total", {"result": "accepted"}): "0+45x280",
        },
        "10m",
        "30m",
        "60m",
        value="10%",
    ),
    "OtklikNpsFell": Case(
        {
            _of("otklik_nps_answers", {**_BRANCH, "category": "promoter"}): "60x671 30x6 60x20",
            _of("otklik_nps_answers", {**_BRANCH, "category": "passive"}): "30x697",
            _of("otklik_nps_answers", {**_BRANCH, "category": "detractor"}): "10x671 40x6 10x20",
            # A small company falls from 100 to -100, by ten answers.
            'otklik_nps_answers{company="c2",branch="a",category="promoter"}': "10x671 0x26",
            'otklik_nps_answers{company="c2",branch="a",category="passive"}': "0x697",
            'otklik_nps_answers{company="c2",branch="a",category="detractor"}': "0x671 10x26",
        },
        "672h",
        "674h",
        "681h",
        labels={"company": "c1"},
        value="-5.695",
        every="1h",
    ),
    "OtklikCasesOverdue": Case(
        {_of("otklik_cases_overdue", _BRANCH): _then(12, 3, 65)},
        "50m",
        "61m",
        "66m",
        labels=_BRANCH,
        value="12",
    ),
}
