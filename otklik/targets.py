"""The names that `serve` and `work` understand, and how each is built."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otklik_common.module import Module

SERVICES = {
    "access": "otklik_access.module",
    "contact-center": "otklik_contact_center.module",
    "feedback": "otklik_feedback.module",
    "loyalty": "otklik_loyalty.module",
    "metrics": "otklik_metrics.module",
}
"""Service → where its MODULE is. Imported only when asked for: one service loads no other."""

CONSOLE = "console"
ALL = "all"

SERVED = (*SERVICES, CONSOLE, ALL)

PARTS = {
    "metrics-numbers": "otklik_metrics.module:NUMBERS",
    "metrics-history": "otklik_metrics.module:HISTORY",
}
"""Parts of a service's work that take a core each where much comes: its MODULE does both."""

WORKING = (*SERVICES, *PARTS, ALL)


def modules(target: str) -> "list[Module]":
    """
    The modules behind a name.

    Raises:
        ValueError: There is no such name; the message lists those there are.
    """
    if target == ALL:
        return [_module(name) for name in SERVICES]
    if target == CONSOLE:
        return []
    if target not in SERVICES:
        raise ValueError(f"no service {target!r}; there are {', '.join(SERVED)}")
    return [_module(target)]


def working(target: str) -> "list[Module]":
    """
    The modules whose work a name stands for.

    Raises:
        ValueError: There is no such name; the message lists those there are.
    """
    if target in PARTS:
        place, _, name = PARTS[target].partition(":")
        part: Module = getattr(import_module(place), name)
        return [part]
    if target not in WORKING:
        raise ValueError(f"no work {target!r}; there is {', '.join(WORKING)}")
    return modules(target)


def with_console(target: str) -> bool:
    """Whether a served target answers the pages at `/` too."""
    return target in (CONSOLE, ALL)


def _module(name: str) -> "Module":
    found: Module = import_module(SERVICES[name]).MODULE
    return found


def migration_folders() -> list[Path]:
    """Every folder of migrations, found without importing a service: a start must be quick."""
    packages = ["otklik_common.log", *(place.rpartition(".")[0] for place in SERVICES.values())]
    return [_folder(package) / "migrations" for package in packages]


def _folder(package: str) -> Path:
    root, *rest = package.split(".")
    spec = find_spec(root)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent.joinpath(*rest)
