"""Whether branches serve alike, or differ more than chance explains."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from otklik.pages import numbers
from otklik.pages.gateway import Problem, Visit
from otklik.pages.numbers import Line
from otklik.pages.periods import Period

COMPARED: Final = frozenset(("sl20",))
"""Numbers that are a share of calls: of these it is told."""

ONE_PLACE: Final = frozenset(("branch", "agent"))
"""Limited to one of these, there are no branches to compare."""

OWNERSHIP: Final = "ownership"
"""The heading of groups that say whose a branch is."""

MOST_GROUPS: Final = 5
MOST_NAMED: Final = 5
"""Branches that stand out, on the first page; the number's page has all."""

MOST_SHOWN: Final = 30
"""Branches of the number's page shown at once; the others are folded away."""


@dataclass(slots=True)
class Alike:
    """
    What the API says of branches.

    Attributes:
        told: Its answer.
        groups: Names of the groups that were held against one another, by code.
    """

    told: dict[str, Any]
    groups: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The verdict in plain words."""
        return str(self.told["verdict"]["text"])

    @property
    def named(self) -> list[tuple[Line, dict[str, Any]]]:
        """The first branches that stand out, the surest first, each with its place in an address."""
        found = [one for one in self.told["units"] if one["differs"]]
        return [(Line({"branch": one["unit"]}), one) for one in found[:MOST_NAMED]]

    @property
    def shown(self) -> list[dict[str, Any]]:
        """The branches shown at once."""
        return list(self.told["units"][:MOST_SHOWN])

    @property
    def folded(self) -> list[dict[str, Any]]:
        """The others."""
        return list(self.told["units"][MOST_SHOWN:])

    @property
    def differences(self) -> list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
        """Both groups and what lies between them, where that is known."""
        found = self.told["groups"]
        if found is None:
            return []
        means = {one["group"]: one for one in found["groups"]}
        return [
            (means[one["first"]], means[one["second"]], one)
            for one in found["differences"]
            if one["interval"] is not None
        ]


async def compared(
    visit: Visit,
    name: str,
    period: Period,
    place: Mapping[str, str],
    groups: Mapping[str, str] | None = None,
) -> Alike | None:
    """
    How far branches differ in a number of the page.

    Returns:
        None where it is no share, there are fewer than two branches to compare, or nobody can
        tell: the page is of use without it.
    """
    if name not in COMPARED or ONE_PLACE.intersection(place):
        return None
    question = numbers.body([name], period, place)
    body = {
        "metric": question["metrics"][0],
        "by": "branch",
        "time": {part: one for part, one in question["time"].items() if part != "granularity"},
        "filters": question["filters"],
        "groups": list(groups) if groups else None,
    }
    try:
        told = await visit.post("/metrics/v1/uniformity", body)
    except Problem:
        return None
    return None if told["verdict"]["code"] == "nothing" else Alike(told, dict(groups or {}))


async def with_ownership(
    visit: Visit, name: str, period: Period, place: Mapping[str, str], language: str
) -> Alike | None:
    """The same, with own branches held against the others where the company says whose they are."""
    if name not in COMPARED or ONE_PLACE.intersection(place):
        return None
    groups, branches = await asyncio.gather(
        numbers.listed(visit, "/access/v1/branch-groups"),
        numbers.listed(visit, "/access/v1/branches"),
    )
    taken = {group for branch in branches for group in branch["groups"]}
    names = {
        one["code"]: numbers.name_of(one, language)
        for one in groups
        if one["grouping"] == OWNERSHIP and one["code"] in taken
    }
    # By code, the last first: "own" before "franchise".
    ordered = dict(sorted(names.items(), reverse=True))
    able = ordered if 2 <= len(ordered) <= MOST_GROUPS else None
    return await compared(visit, name, period, place, able)
