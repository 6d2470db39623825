"""What somebody needs to know before calling an unhappy customer: the name, and what was asked."""

import asyncio
import re
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from otklik.pages.gateway import Problem, Visit
from otklik.pages.texts import Words

KNOWN_AS: Final = {"nps": "NPS", "csat": "CSAT", "ces": "CES", "enps": "eNPS"}
"""Questions that people call by the name of their measure."""

_PUT_IN: Final = re.compile(r"\{[a-z]+\.[a-z0-9_]+\|([^{}|]*)\}")

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
    return [_scores(answer, surveys[answer["survey"]], words) for answer in answers]


def _scores(answer: dict[str, Any], survey: dict[str, Any] | None, words: Words) -> list[Score]:
    scores, choices = answer["scores"], answer.get("choices", {})
    found: dict[str, Score] = {}
    for one in () if survey is None else survey["questions"]:
        for item in one.get("rows") or [one]:
            if (name := item["id"]) in scores:
                asked = {"text": item["text"], "scale": one["scale"]}
                found[name] = _score(name, scores[name], asked, words)
        if one["id"] in choices:
            found[one["id"]] = _chosen(one, choices[one["id"]], words)
    # Of a survey that nobody may read, or of an older version, the names are all there is.
    found |= {n: _score(n, scores[n], None, words) for n in scores if n not in found}
    return list(found.values())


def _score(name: str, score: int, question: dict[str, Any] | None, words: Words) -> Score:
    said = words.number(score)
    if question is not None and question["scale"] is not None:
        said = words("out_of", said, words.number(question["scale"]["max"]))
    text = "" if question is None else _text(question, words)
    called = KNOWN_AS.get(name)
    if called is None:
        return Score(f"{text or name}: {said}", "")
    return Score(f"{called} {said}", text)


def _chosen(question: dict[str, Any], chosen: list[str], words: Words) -> Score:
    texts = {one["id"]: _text(one, words) for one in question["options"]}
    named = ", ".join(texts.get(one, one) for one in chosen)
    return Score(f"{_text(question, words)} {named}", "")


def _text(asked: dict[str, Any], words: Words) -> str:
    """What was asked; where earlier answers were put into it, what it says without them."""
    return _PUT_IN.sub(r"\1", str(asked["text"][words.language]))


async def _or_none(call: Awaitable[Found]) -> Found | None:
    """What a call answers; None if it does not: the page is of use without it."""
    try:
        return await call
    except Problem:
        return None
