"""The page of a pace programme: what share of requests keeps each step, and which are behind."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from otklik.pages import numbers
from otklik.pages.drawing import Page, filled, names_of_people
from otklik.pages.gateway import Problem, Visit, if_allowed
from otklik.pages.periods import PERIODS, Period
from otklik.pages.texts import Words

PROGRAMMES: Final = "/contact-center/v1/pace-programmes"

OWN: Final = "own:"

MOST_BEHIND: Final = 50
"""Requests of one part of the list."""


@dataclass(frozen=True, slots=True)
class Paces:
    """
    What the API says of a programme.

    Attributes:
        about: What it is for, in the reader's language.
        version: What came of the version that holds, or held last; None: it was for no request.
    """

    code: str
    name: str
    about: str
    version: dict[str, Any] | None
    words: Words

    @property
    def steps(self) -> list[dict[str, Any]]:
        """Steps, each with its counts of all requests under `counts`."""
        if self.version is None:
            return []
        pairs = zip(self.version["steps"], self.version["all"], strict=True)
        return [step | {"counts": counts} for step, counts in pairs]

    def title(self, step: dict[str, Any]) -> str:
        """What a step is called; without a name, what it leads from and to."""
        named = step["names"].get(self.words.language)
        return str(named or f"{self._of(step['from'])} → {self._of(step['to'])}")

    def _of(self, code: str) -> str:
        return code.removeprefix(OWN) if code.startswith(OWN) else self.words.code("pace", code)


async def has_any(visit: Visit) -> bool:
    """Whether the company has a programme that whoever looks may read; the page is of use without."""
    try:
        found = await if_allowed(visit.get(PROGRAMMES, limit=1))
    except Problem:
        return False
    return bool(found and found["items"])


async def drawn(
    page: Page, chosen: Period, code: str | None, branch: str | None, cursor: str | None
) -> Response:
    """
    The page.

    Args:
        code: Of the programme; None: the first.
    Raises:
        Problem: There is no such programme, or whoever looks may not read requests.
    """
    language = page.words.language
    programmes = await _listed(page.visit)
    known = {one["code"]: numbers.name_of(one, language) for one in programmes}
    if code is not None and code not in known:
        raise Problem(404, page.words("not_found"))
    mine = next((one for one in programmes if code in (None, one["code"])), None)
    branches, realtors = await names_of_people(page)
    if mine is None:
        return filled(page, "pace.html", paces=None, programmes=known, branches=branches)
    place = {} if branch is None else {"branch": branch}
    asked = {"from": chosen.begins.isoformat(), "to": chosen.ends.isoformat(), **place}
    path, more = f"{PROGRAMMES}/{mine['code']}", {} if cursor is None else {"cursor": cursor}
    shares, behind = await asyncio.gather(
        page.visit.get(f"{path}/shares", by="branch", **asked),
        page.visit.get(f"{path}/late", limit=MOST_BEHIND, **asked, **more),
    )
    version = shares["versions"][0] if shares["versions"] else None
    about = mine["about"].get(language) or ""
    after = behind["next_cursor"]
    return filled(
        page,
        "pace.html",
        paces=Paces(mine["code"], known[mine["code"]], about, version, page.words),
        programmes=known,
        behind=behind["items"],
        more=after and _address(chosen, mine["code"], place | {"cursor": after}),
        branches=branches,
        realtors=realtors,
        branch=branch,
        period=chosen,
        periods=list(PERIODS),
        link=lambda unit: _address(chosen, mine["code"], {"branch": unit}),
    )


def _address(chosen: Period, code: str, more: dict[str, str]) -> str:
    return f"/pace?{urlencode({'period_name': chosen.name, 'programme': code, **more})}"


async def _listed(visit: Visit) -> list[dict[str, Any]]:
    """Programmes that hold first, then those that have ended."""
    first = await visit.get(PROGRAMMES, limit=1)
    found = await numbers.listed(visit, PROGRAMMES) if first["items"] else []
    return sorted(found, key=lambda one: (not one["terms"][-1]["active"], one["code"]))
