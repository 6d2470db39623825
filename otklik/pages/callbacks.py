"""What somebody needs to know before calling an unhappy customer: the name, and what was asked."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from otklik.pages.gateway import Problem, Visit
from otklik.pages.texts import Words

KNOWN_AS: Final = {"nps": "NPS", "csat": "CSAT", "ces": "CES", "enps": "eNPS"}
"""Questions that people call by the name of their measure."""

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Score:
    """
    A score as people say it.

    Attributes:
        said: `NPS 4 of 10`.
        question: What the customer was asked; empty where nobody may know.
    """

    said: str
    question: str


async def name_of(visit: Visit, customer: dict[str, Any]) -> str | None:
    """What the customer is called, if the company knows them and they are one and no other."""
    by = next((one for one in ("external_id", "phone", "email") if customer.get(one)), None)
    if by is None:
        return None
    wanted = {by: customer[by]}
    found = await _or_none(visit.post("/loyalty/v1/customers:find", wanted))
    names = {one["name"] for one in (found or {}).get("items", [])}
    return names.pop() if len(names) == 1 else None


async def opener_of(visit: Visit, case: dict[str, Any]) -> dict[str, Any] | None:
    """The review or claim that opened a case; None where answers did, or nobody may see it."""
    for kind in ("review", "claim"):
        if case[kind] is not None:
            return await _or_none(visit.get(f"/feedback/v1/{kind}s/{case[kind]}"))
    return None


async def scores_of(visit: Visit, answers: list[dict[str, Any]], words: Words) -> list[list[Score]]:
    """The scores of each answer, in the survey's order."""
    ids = list({answer["survey"] for answer in answers})
    told = await asyncio.gather(
        *(_or_none(visit.get(f"/feedback/v1/surveys/{survey}")) for survey in ids)
    )
    surveys = dict(zip(ids, told, strict=True))
    return [_scores(answer["scores"], surveys[answer["survey"]], words) for answer in answers]


def _scores(scores: dict[str, int], survey: dict[str, Any] | None, words: Words) -> list[Score]:
    asked = {} if survey is None else {one["id"]: one for one in survey["questions"]}
    order = [name for name in asked if name in scores]
    order += [name for name in scores if name not in asked]
    return [_score(name, scores[name], asked.get(name), words) for name in order]


def _score(name: str, score: int, question: dict[str, Any] | None, words: Words) -> Score:
    said = words.number(score)
    if question is not None and question["scale"] is not None:
        said = words("out_of", said, words.number(question["scale"]["max"]))
    text = "" if question is None else str(question["text"][words.language])
    called = KNOWN_AS.get(name)
    if called is None:
        return Score(f"{text or name}: {said}", "")
    return Score(f"{called} {said}", text)


async def _or_none(call: Awaitable[Found]) -> Found | None:
    """What a call answers; None if it does not: the page is of use without it."""
    try:
        return await call
    except Problem:
        return None
