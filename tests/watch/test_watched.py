"""A real Prometheus beside a running Otklik: every panel shows something, no alert is dead."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import Any, Final

import httpx
import promql_parser
import pytest

from deploy.watch.__main__ import DASHBOARDS
from deploy.watch.alerts import Alert
from deploy.watch.business import ANY_COMPANY, Nps
from deploy.watch.layout import Dashboard, Panel
from deploy.watch.operations import OFFERED
from deploy.watch.rules import GROUPS
from otklik.client import Client
from otklik.demo.agency import ZONE
from otklik.demo.loading import Teller
from otklik.demo.simulation import simulate
from otklik_common.observability import MOST_SERIES
from otklik_metrics.domain.gauges import GAUGES
from tests.support.deployment import Deployment, one_process
from tests.support.kafka import free_ports
from tests.support.prometheus import Prometheus, configure, promtool, running_prometheus
from tests.support.recount import clocks, recount, windows
from tests.watch.cases import CASES

pytestmark = pytest.mark.system

ROOT: Final = Path(__file__).parents[2]
RULES: Final = sorted((ROOT / "deploy/prometheus/rules").glob("*.yml"))

DAYS: Final = 14
"""Of the demo: long enough for answers of five customers in some branch."""

WAIT_SECONDS: Final = 60
LONG_AGO: Final = timedelta(days=28)
SCRAPES: Final = 6
"""At least so many, a second apart, before a rate is asked for."""

POOLS_ADVISED: Final = "otklik_number_pool_advised"

ALERTS: Final = {alert.name: alert for group in GROUPS for alert in group.alerts}
RECORDED: Final = {record.name for group in GROUPS for record in group.records}
PANELS: Final = [(board, panel) for board in DASHBOARDS for panel in board.panels]


@dataclass(frozen=True)
class Watched:
    """Otklik with a fortnight of an agency's life, and a Prometheus that watches it."""

    deployment: Deployment
    prometheus: Prometheus
    targets: dict[str, str]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Started once for all tests."""
    folder = tmp_path_factory.mktemp("prometheus")
    (ops_port,) = free_ports(1)
    with one_process("--ops-port", str(ops_port)) as deployment:
        url = deployment.urls["metrics"]
        targets = {
            "otklik-api": url.removeprefix("http://"),
            "otklik-worker": f"127.0.0.1:{ops_port}",
        }
        token = Path(deployment.told["OTKLIK_DATA"]) / "secrets" / "operations.token"
        configure(folder, targets, token=token, rules=RULES)
        _tell(url, deployment.key)
        _remember(folder, _scrape(url, token), targets["otklik-api"])
        # New blocks are found at a start, and some records rest on others.
        for _ in range(2):
            with running_prometheus(folder) as prometheus:
                _record_what_was(prometheus)
        with running_prometheus(folder) as prometheus:
            _until_scraped(prometheus, targets)
            yield Watched(deployment, prometheus, targets)


def _tell(url: str, key: str) -> None:
    """A fortnight of the demo's agency, and some contacts of the last minute."""
    local = datetime.now(ZONE)
    since_midnight = local - local.replace(hour=0, minute=0, second=0, microsecond=0)
    # Today's numbers need a today.
    time.sleep(max(0.0, 120 - since_midnight.total_seconds()))
    now = datetime.now(UTC)
    begins = now.astimezone(ZONE).date() - timedelta(days=DAYS - 1)
    with Client(url, key) as client:
        teller = Teller(client)
        teller.set_up(begins)
        days = islice(simulate(1, begins), DAYS)
        teller.tell(push for day in days for push in day if push.at <= now)
        client.post("/contact-center/v1/events", _contacts_of_this_minute(now))
        _evaluate(client, now)
        _tick(client, now)
        _promise(client, now)
        _lease(client)


def _evaluate(client: Client, now: datetime) -> None:
    """Evaluate a call of this minute, as soon as it is folded."""
    root = "/contact-center/v1"
    sections = [{"code": "all", "questions": [{"code": "named"}]}]
    client.call("PUT", f"{root}/evaluation-forms/watched", json={"sections": sections})
    query = {"agent": "petrova", "from": (now - timedelta(seconds=61)).isoformat()}
    deadline = time.monotonic() + WAIT_SECONDS
    while not (found := client.get(f"{root}/contacts", **query)["items"]):
        assert time.monotonic() < deadline, "the calls of this minute are not folded"
        time.sleep(0.5)
    asked = {"contact": found[0]["id"], "form": "watched", "answers": {"named": "yes"}}
    made = client.post(f"{root}/evaluations", asked)
    client.post(f"{root}/evaluations/{made['id']}/release", {})


def _tick(client: Client, now: datetime) -> None:
    """Tick a script in a call of this minute, which is folded by now."""
    root = "/contact-center/v1"
    client.call("PUT", f"{root}/scripts/watched", json={"items": [{"code": "named"}]})
    query = {"agent": "petrova", "from": (now - timedelta(seconds=61)).isoformat()}
    id_ = client.get(f"{root}/contacts", **query)["items"][0]["id"]
    said = {"answers": [{"item": "named", "answer": "done"}]}
    client.call("PUT", f"{root}/contacts/{id_}/script", json=said)


def _promise(client: Client, now: datetime) -> None:
    """A promise that is broken, and one that is about to be."""
    service = "/contact-center/v1"
    client.call("PUT", f"{service}/promise-kinds/call_back", json={"warning_seconds": 172_800})
    for name, due in (("late", now - timedelta(hours=1)), ("soon", now + timedelta(hours=20))):
        body = {
            "agent": "petrova",
            "promise_kind": "call_back",
            "branch": "tyumen",
            "made_at": (now - timedelta(hours=30)).isoformat(),
            "due_at": due.isoformat(),
        }
        client.call("PUT", f"{service}/promises/{name}", json=body)


def _lease(client: Client) -> None:
    """A pool of one number, and two visitors."""
    root = "/contact-center/v1"
    site = {"rules": [{"code": "all", "pool": "watched"}], "pools": {"watched": ["+74950000001"]}}
    client.call("PUT", f"{root}/number-trackers/watched", json=site)
    for visitor in ("visitor-one", "visitor-two"):
        said = {"tracker": "watched", "visitor": visitor, "url": "https://agency.example/"}
        client.post(f"{root}/number-leases", said)


def _contacts_of_this_minute(now: datetime) -> list[dict[str, Any]]:
    """An answered call, a call given up, and a chat with a reply."""

    common = {"direction": "in", "queue": "sales", "branch": "tyumen"}
    call, chat = common | {"channel": "call"}, common | {"channel": "chat"}
    human = {"actor": "human", "agent": "petrova"}
    told = [
        ("one", 60, "queued", call | {"from": "+79990000001"}),
        ("one", 50, "answered", human),
        ("one", 10, "ended", {}),
        ("two", 60, "queued", call | {"from": "+79990000002"}),
        ("two", 20, "ended", {}),
        ("three", 59, "message", chat | {"from": "+79990000003", "actor": "customer"}),
        ("three", 49, "message", chat | human),
    ]
    return [
        {
            "id": f"watched-{number}",
            "contact": f"watched-{contact}",
            "type": kind,
            "at": (now - timedelta(seconds=seconds)).isoformat(),
            **said,
        }
        for number, (contact, seconds, kind, said) in enumerate(told)
    ]


def _scrape(url: str, token: Path) -> str:
    """The exposition of the API, once it holds the business numbers of all that was told."""
    headers = {"Authorization": f"Bearer {token.read_text()}"}
    wanted = {gauge.name for gauge in GAUGES}
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        body = httpx.get(f"{url}/metrics", headers=headers, timeout=30).text
        names = {line.partition("{")[0] for line in body.splitlines()}
        if wanted <= names:
            return body
        assert time.monotonic() < deadline, f"not shown: {sorted(wanted - names)}"
        time.sleep(0.5)


def _remember(folder: Path, body: str, instance: str) -> None:
    """Let Prometheus have scraped the same 28 days ago, for some minutes."""
    shown = [line for line in body.splitlines() if line.startswith("otklik_nps_answers{")]
    then = int((datetime.now(UTC) - LONG_AGO).timestamp())
    lines = ["# TYPE otklik_nps_answers gauge"]
    for line in shown:
        series, _, value = line.rpartition(" ")
        series = series.replace("{", f'{{job="otklik-api",instance="{instance}",', 1)
        lines += [f"{series} {value} {then + step}" for step in range(-600, 900, 60)]
    history = folder / "history.txt"
    history.write_text("\n".join([*lines, "# EOF", ""]))
    promtool("tsdb", "create-blocks-from", "openmetrics", str(history), str(folder / "data"))


def _record_what_was(prometheus: Prometheus) -> None:
    """Let it have recorded then what its rules record of what it scraped."""
    then = int((datetime.now(UTC) - LONG_AGO).timestamp())
    promtool(
        "tsdb",
        "create-blocks-from",
        "rules",
        f"--start={then - 300}",
        f"--end={then + 840}",
        f"--url={prometheus.url}",
        f"--output-dir={prometheus.folder / 'data'}",
        "--eval-interval=60s",
        *map(str, RULES),
    )


def _until_scraped(prometheus: Prometheus, targets: dict[str, str]) -> None:
    """Wait until there are rates, and until every rule has run."""
    deadline = time.monotonic() + WAIT_SECONDS
    scraped = f'count_over_time(up{{job=~"{"|".join(targets)}"}}[1m])'
    while True:
        found = {labels["job"]: count for labels, count in prometheus.query(scraped)}
        enough = found.keys() == targets.keys() and min(found.values()) >= SCRAPES
        # A worker looks at pools every half a minute.
        if enough and all(prometheus.query(name) for name in (*RECORDED, POOLS_ADVISED)):
            return
        assert time.monotonic() < deadline, found
        time.sleep(0.5)


def test_prometheus_reads_both_processes_within_the_budget_of_series(watched: Watched) -> None:
    up = watched.prometheus.query("up")
    assert {(labels["job"], value) for labels, value in up} == {(job, 1) for job in watched.targets}
    scraped = watched.prometheus.query("scrape_samples_scraped")
    assert max(value for _, value in scraped) <= MOST_SERIES


@pytest.mark.parametrize(
    ("board", "panel"), PANELS, ids=[f"{board.name}: {panel.title.en}" for board, panel in PANELS]
)
def test_every_query_of_a_panel_has_an_answer(
    watched: Watched, board: Dashboard, panel: Panel
) -> None:
    for query in panel.queries:
        expr = query.expr.replace("$__rate_interval", "1m").replace("$company", ".*")
        found = watched.prometheus.query(expr)
        assert any(isfinite(value) for _, value in found), f"{board.name}, {panel.title.en}: {expr}"


@pytest.mark.parametrize("alert", ALERTS.values(), ids=ALERTS)
def test_an_alert_without_its_bound_has_an_answer(watched: Watched, alert: Alert) -> None:
    for condition in alert.when:
        found = watched.prometheus.query(condition.value)
        assert found, f"nothing would ever be {condition.bound}: {condition.value}"
    labels = {
        frozenset(one) - {"__name__"} for one, _ in watched.prometheus.query(alert.when[0].value)
    }
    assert frozenset(CASES[alert.name].labels) in labels, labels


def test_every_name_in_dashboards_alerts_and_their_tests_is_scraped(watched: Watched) -> None:
    exprs = [query.expr for _, panel in PANELS for query in panel.queries]
    exprs += [alert.expr for alert in ALERTS.values()]
    exprs += [record.expr for group in GROUPS for record in group.records]
    exprs += [series for case in CASES.values() for series in case.series]
    named = {name for expr in exprs for name in _names(expr)}
    assert named <= watched.prometheus.names()
    assert named >= RECORDED
    assert OFFERED.name in named


def _names(expr: str) -> set[str]:
    """Metrics that PromQL asks for."""
    found: set[str] = set()

    def visit(node: Any) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.add(str(node.name))
        elif isinstance(node, promql_parser.MatrixSelector):
            found.add(str(node.vector_selector.name))
        return True

    readable = expr.replace("$__rate_interval", "1m").replace("$company", ".*")
    promql_parser.walk(promql_parser.parse(readable), visit)
    return found


def test_rules_run_without_error_and_a_fall_is_told_from_no_change(watched: Watched) -> None:
    groups = watched.prometheus.ask("rules")["groups"]
    assert {group["name"] for group in groups} == {f"otklik-{group.name}" for group in GROUPS}
    for group in groups:
        for rule in group["rules"]:
            assert not rule.get("lastError"), rule
    (fell,) = (
        value for _, value in watched.prometheus.query(ALERTS["OtklikNpsFell"].when[0].value)
    )
    # What it remembers of then is what it sees now.
    assert fell == pytest.approx(0)


def test_nps_and_its_interval_are_those_of_the_query(watched: Watched) -> None:
    client = watched.deployment.client()
    local = datetime.now(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    asked = {
        "metrics": [{"name": "nps"}],
        "time": {
            "from": (local - timedelta(days=27)).isoformat(),
            "to": (local + timedelta(days=1)).isoformat(),
            "granularity": "total",
            "timezone": str(ZONE),
        },
        "group_by": ["branch"],
    }
    rows = client.ok("POST", "/metrics/v1/query", json=asked)["rows"]
    told = {row["branch"]: row["nps"] for row in rows if row["nps"]["value"] is not None}
    assert len(told) >= 3
    nps = Nps.of(ANY_COMPANY, ("branch",))
    parts = {"n": nps.n, "points": nps.points, "low": nps.low, "high": nps.high}
    shown = {
        name: {labels["branch"]: value for labels, value in watched.prometheus.query(expr)}
        for name, expr in parts.items()
    }
    for branch, cell in told.items():
        assert shown["n"][branch] == cell["n"]
        assert shown["points"][branch] == pytest.approx(cell["value"])
        interval = [shown["low"][branch], shown["high"][branch]]
        assert interval == pytest.approx(cell["interval"], abs=0.01)


def test_a_key_of_a_company_sees_no_numbers_of_others_nor_does_a_stranger(watched: Watched) -> None:
    client = watched.deployment.client()
    assert client.call("GET", "/metrics").status_code == 200
    assert httpx.get(f"{watched.deployment.urls['metrics']}/metrics").status_code == 401


def test_worked_saturdays_on_the_demo_agree_with_a_straight_recount(watched: Watched) -> None:
    """Who was promised business time is counted again, from the records and the days alone."""
    now = datetime.now(UTC)
    first, last = now - timedelta(days=DAYS + 3), now + timedelta(days=1)
    time_ = {
        "from": first.isoformat(),
        "to": last.isoformat(),
        "granularity": "total",
        "timezone": str(ZONE),
    }
    worked = {"calendars": {"office": {"week": {"sat": ["09:00-20:00"]}}}, "limit": 1_000}
    with Client(watched.deployment.urls["metrics"], watched.deployment.key) as client:
        body = {"from": time_["from"], "to": time_["to"], **worked}
        told = client.post("/contact-center/v1/sla-policies:backtest", body)
        days = (first.date() - timedelta(days=3), last.date() + timedelta(days=1), ZONE)
        before, after = (windows(client, *days, saturday) for saturday in (None, "09:00-20:00"))
        records = list(clocks(client, "callback", time_))
    found = recount(records, before, after, now.timestamp())
    (target,) = (one for one in told["targets"] if one["target"] == "callback")
    kept, broken = (
        sum(n for (was, _), n in found.items() if was == word) for word in ("kept", "broken")
    )
    assert (target["before"]["kept"], target["before"]["broken"]) == (kept, broken)
    flipped = found["kept", "broken"]
    assert flipped > 0
    listed = [flip for flip in told["flips"] if flip["target"] == "callback"]
    from_kept = [flip for flip in listed if flip["before"]["state"] == "achieved"]
    assert len(from_kept) == flipped
    assert target["after"]["kept"] == found["kept", "kept"]
