"""Alerts as Prometheus reads them: one file of rules for each group."""

from typing import Any, Final

import yaml

from deploy.watch.alerts import Alert, Group
from deploy.watch.alerts_business import FEEDBACK, OPERATIONS
from deploy.watch.alerts_database import DATABASE
from deploy.watch.alerts_facts import WAY_OF_A_FACT
from deploy.watch.alerts_processes import PROCESSES
from otklik_metrics.domain.dimensions import Text

PLATFORM: Final = Group(
    "platform",
    Text("The installation", "Установка"),
    (*PROCESSES, *WAY_OF_A_FACT, *DATABASE),
)

GROUPS: Final = (PLATFORM, OPERATIONS, FEEDBACK)

RUNBOOK: Final = "docs/runbook.md"
RUNBOOK_RU: Final = "docs/runbook.ru.md"

HEAD: Final = "# Made by `make dashboards` from deploy/watch; change it there.\n"


def rendered(group: Group) -> str:
    """The file of a group."""
    rules: list[dict[str, Any]] = [
        {"record": record.name, "expr": record.expr} for record in group.records
    ]
    rules += [_rule(alert) for alert in group.alerts]
    tree = {"groups": [{"name": f"otklik-{group.name}", "interval": "15s", "rules": rules}]}
    text = yaml.dump(
        tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100, explicit_start=True
    )
    return HEAD + str(text)


def annotations(alert: Alert) -> dict[str, str]:
    """What an alert says, in both languages; in English under the names that everybody knows."""
    return {
        "summary": alert.summary.en,
        "summary_ru": alert.summary.ru,
        "description": alert.means.en,
        "description_ru": alert.means.ru,
        "runbook_url": f"{RUNBOOK}#{alert.anchor}",
        "runbook_url_ru": f"{RUNBOOK_RU}#{alert.anchor}",
    }


def _rule(alert: Alert) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expr,
        "for": alert.lasts,
        "labels": {"severity": alert.severity.value},
        "annotations": annotations(alert),
    }


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]  # PyYAML tells no types
    """Lists indented under their key, texts of several lines as blocks."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        """As yamllint wants it."""
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
