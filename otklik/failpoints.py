"""Print docs/failpoints.md: `python -m otklik.failpoints`."""

import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from itertools import groupby
from pkgutil import walk_packages

from otklik_common.failpoints import Failpoint, failpoints

PACKAGES = (
    "otklik",
    "otklik_common",
    "otklik_access",
    "otklik_contact_center",
    "otklik_feedback",
    "otklik_loyalty",
    "otklik_metrics",
)

HEAD = """\
# Failpoints

Places where a process of Otklik may be killed, stand still or break in a test. Nothing happens at
them unless the environment says so: `OTKLIK_FAILPOINTS="relay.sent=kill;fold.folded=raise@3"`, with
the actions `kill`, `raise`, `pause` (until SIGCONT) and `sleep:SECONDS`; `@3` means from the third
time on. `tests/integration/failpoints` kills, pauses and breaks at each: `make test` kills and does one of the
others, `make test-long` does all.

Made from the code by `make docs`.

| Place | What is done there, and what is not |
|---|---|
"""


def declared() -> Mapping[str, Failpoint]:
    """Every failpoint of the product; all of its modules are loaded."""
    for package in PACKAGES:
        found = import_module(package)
        for module in walk_packages(found.__path__, f"{package}."):
            if not module.name.endswith(".__main__"):
                import_module(module.name)
    return failpoints()


def document(points: Mapping[str, Failpoint]) -> str:
    """The failpoints by area, and in an area as they are declared."""
    return HEAD + "".join(_rows(points))


def _rows(points: Mapping[str, Failpoint]) -> Iterator[str]:
    by_area = sorted(points.values(), key=_area)
    for _, some in groupby(by_area, key=_area):
        for point in some:
            yield f"| `{point.name}` | {point.meaning} |\n"


def _area(point: Failpoint) -> str:
    return point.name.partition(".")[0]


if __name__ == "__main__":
    sys.stdout.write(document(declared()))
