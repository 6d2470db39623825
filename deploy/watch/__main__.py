"""`python -m deploy.watch`: write dashboards, rules and the runbook, into the repository or FOLDER."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from deploy.watch import grafana, rules, runbook
from deploy.watch.feedback import FEEDBACK
from deploy.watch.operations import OPERATIONS
from deploy.watch.platform import PLATFORM

DASHBOARDS: Final = (OPERATIONS, FEEDBACK, PLATFORM)


def files() -> Iterator[tuple[str, str]]:
    """Every file that is made, by its path in the repository."""
    for language in grafana.LANGUAGES:
        for dashboard in DASHBOARDS:
            path = f"deploy/grafana/dashboards/{language}/{dashboard.name}.json"
            yield path, grafana.rendered(dashboard, language)
    for group in rules.GROUPS:
        yield f"deploy/prometheus/rules/{group.name}.yml", rules.rendered(group)
    yield rules.RUNBOOK, runbook.rendered("en")
    yield rules.RUNBOOK_RU, runbook.rendered("ru")


def write(folder: Path) -> None:
    """Write every file under `folder`."""
    for path, text in files():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(*sys.argv[1:2]))
