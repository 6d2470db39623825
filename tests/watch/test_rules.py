"""Every alert fires and clears, says what it should, and has a chapter in the runbook."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from deploy.watch.__main__ import files
from deploy.watch.alerts import Alert
from deploy.watch.rules import GROUPS, RUNBOOK, RUNBOOK_RU, annotations
from tests.support.prometheus import promtool
from tests.watch.cases import CASES, Case

ROOT: Final = Path(__file__).parents[2]
RULES: Final = sorted((ROOT / "deploy/prometheus/rules").glob("*.yml"))
MADE: Final = dict(files())
ALERTS: Final = {alert.name: alert for group in GROUPS for alert in group.alerts}


@pytest.mark.parametrize("path", MADE)
def test_what_is_committed_is_what_the_code_makes(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == MADE[path], "run `make dashboards`"


def test_nothing_else_lies_beside_what_the_code_makes() -> None:
    made = {ROOT / path for path in MADE}
    folders = [ROOT / "deploy/prometheus/rules", ROOT / "deploy/grafana/dashboards"]
    found = {path for folder in folders for path in folder.rglob("*") if path.is_file()}
    assert found <= made


def test_prometheus_takes_the_rules() -> None:
    assert len(RULES) == len(GROUPS)
    said = promtool("check", "rules", "--lint-fatal", *map(str, RULES))
    assert said.count("SUCCESS") == len(GROUPS)


def test_every_alert_has_a_course_of_events_and_every_course_an_alert() -> None:
    assert CASES.keys() == ALERTS.keys()


@pytest.mark.parametrize("name", ALERTS)
def test_it_waits_fires_and_clears(name: str, tmp_path: Path) -> None:
    alert, case = ALERTS[name], CASES[name]
    test = {
        "rule_files": [str(path) for path in RULES],
        "evaluation_interval": case.every,
        "tests": [
            {
                "interval": case.every,
                "input_series": [
                    {"series": series, "values": values} for series, values in case.series.items()
                ],
                "alert_rule_test": list(_looks(alert, case)),
            }
        ],
    }
    file = tmp_path / f"{name}.yml"
    file.write_text(yaml.safe_dump(test, allow_unicode=True))
    assert "SUCCESS" in promtool("test", "rules", str(file))


def _looks(alert: Alert, case: Case) -> Iterator[dict[str, Any]]:
    severity = {"severity": alert.severity.value}
    on = {
        "exp_labels": {**case.labels, **severity},
        "exp_annotations": {name: _filled(text, case) for name, text in annotations(alert).items()},
    }
    for moment, alerts in ((case.quiet, []), (case.fires, [on]), (case.clears, [])):
        yield {"eval_time": moment, "alertname": alert.name, "exp_alerts": alerts}


def _filled(text: str, case: Case) -> str:
    """A text as Prometheus sends it."""
    text = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: case.labels[found[1]], text)
    return re.sub(r"\{\{ \$value( \| \w+)? \}\}", lambda _: case.value, text)


@pytest.mark.parametrize(("page", "language"), [(RUNBOOK, "en"), (RUNBOOK_RU, "ru")])
def test_every_alert_leads_to_its_chapter(page: str, language: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    anchors = {heading.lower() for heading in re.findall(r"^### (.+)$", text, re.MULTILINE)}
    key = "runbook_url" if language == "en" else "runbook_url_ru"
    for alert in ALERTS.values():
        path, _, anchor = annotations(alert)[key].partition("#")
        assert path == page
        assert anchor in anchors


@pytest.mark.parametrize("alert", ALERTS.values(), ids=lambda alert: alert.name)
def test_it_speaks_both_languages(alert: Alert) -> None:
    cyrillic = re.compile("[А-Яа-яё]")
    for text in (alert.summary, alert.means, alert.look, alert.do):
        assert text.en
        assert not cyrillic.search(text.en)
        assert cyrillic.search(text.ru)
    assert _placeholders(alert.summary.en) == _placeholders(alert.summary.ru)


def _placeholders(text: str) -> Mapping[str, int]:
    found = re.findall(r"\{\{.*?\}\}", text)
    return {one: found.count(one) for one in found}
