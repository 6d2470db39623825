"""The runbook: for each alert what it means, what to look at, what to do, with the commands."""

from collections.abc import Iterator
from typing import Final

from deploy.watch.alerts import Alert, Condition, Severity
from deploy.watch.rules import GROUPS
from otklik_metrics.domain.dimensions import Text

_TITLE: Final = Text("Runbook", "Что делать при оповещениях")

_INTRODUCTION: Final = Text(
    "A chapter for each alert of `deploy/prometheus/rules`. Made by `make dashboards` from "
    "`deploy/watch`: change it there. *Critical* calls somebody now, *warning* on the working day. "
    "Commands expect `OTKLIK_URL`, `OTKLIK_KEY` and `OTKLIK_OPERATIONS_TOKEN`, and for `otklik` and "
    "`psql` the environment of the installation (for `otklik up` its folder: `--data`). On "
    "`otklik up` the token stands in `secrets/operations.token` of the data folder.",
    "Глава на каждое оповещение из `deploy/prometheus/rules`. Создано `make dashboards` из "
    "`deploy/watch`, править там. *Критично* – зовут сейчас, *внимание* – в рабочий день. Командам "
    "нужны `OTKLIK_URL`, `OTKLIK_KEY` и `OTKLIK_OPERATIONS_TOKEN`, а `otklik` и `psql` – окружение "
    "установки (у `otklik up` – его папка: `--data`). У `otklik up` токен лежит в "
    "`secrets/operations.token` папки данных.",
)

_SEVERITY: Final = {
    Severity.CRITICAL: Text("critical", "критично"),
    Severity.WARNING: Text("warning", "внимание"),
}

_WHEN: Final = Text("When", "Когда")
_LASTS: Final = Text("for", "в течение")
_AND: Final = Text("and", "и")
_MEANS: Final = Text("What it means", "Что это значит")
_LOOK: Final = Text("Look", "Посмотрите")
_DO: Final = Text("Do", "Сделайте")


def rendered(language: str) -> str:
    """The whole page."""
    return "\n".join(_lines(language)).rstrip() + "\n"


def _lines(language: str) -> Iterator[str]:
    yield f"# {_TITLE.in_(language)}"
    yield ""
    yield _INTRODUCTION.in_(language)
    for group in GROUPS:
        yield ""
        yield f"## {group.title.in_(language)}"
        for alert in group.alerts:
            yield ""
            yield from _chapter(alert, language)


def _chapter(alert: Alert, language: str) -> Iterator[str]:
    yield f"### {alert.name}"
    yield ""
    joined = f"\n{_AND.in_(language)} ".join(map(_condition, alert.when))
    lasts = "" if alert.lasts == "0m" else f", {_LASTS.in_(language)} {alert.lasts}"
    yield f"*{_SEVERITY[alert.severity].in_(language)}{lasts}*"
    yield ""
    for name, text in ((_MEANS, alert.means), (_LOOK, alert.look), (_DO, alert.do)):
        yield f"- **{name.in_(language)}.** {text.in_(language)}"
    yield ""
    if alert.commands:
        yield "```sh"
        yield from alert.commands
        yield "```"
        yield ""
    yield f"<details><summary>{_WHEN.in_(language)}</summary>"
    yield ""
    yield "```promql"
    yield joined
    yield "```"
    yield ""
    yield "</details>"


def _condition(condition: Condition) -> str:
    return f"{condition.value} {condition.bound}"
