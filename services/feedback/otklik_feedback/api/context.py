"""What routes take from the platform, and the types that several of them share."""

from typing import Annotated, Final

from fastapi import Depends, Path, Request
from pydantic import StringConstraints

from otklik_common.callers import Caller, require, require_everywhere
from otklik_common.db import Database
from otklik_common.errors import Unprocessable
from otklik_common.events.access import KeyPurpose
from otklik_common.http import RateLimit, client_ip
from otklik_common.module import Platform
from otklik_feedback.actions.answers import Sender
from otklik_feedback.actions.clocks import Book
from otklik_feedback.actions.means import Means
from otklik_feedback.store.columns import SCHEMA

PREFIX: Final = "/feedback/v1"

MayReadSurveys = Annotated[Caller, Depends(require("surveys:read", "surveys:write"))]
MayWriteSurveys = Annotated[Caller, Depends(require_everywhere("surveys:write"))]
MayCorrectReadings = Annotated[Caller, Depends(require("surveys:write"))]
MayAnswer = Annotated[Caller, Depends(require("answers:write", "self"))]
MayPushAnswers = Annotated[Caller, Depends(require("answers:write"))]
MayReadAnswers = Annotated[Caller, Depends(require("answers:read"))]
MayReadCases = Annotated[Caller, Depends(require("cases:read"))]
MayWriteCases = Annotated[Caller, Depends(require("cases:write"))]
MayRemoveDemo = Annotated[Caller, Depends(require_everywhere("demo:write"))]

Code = Annotated[str, StringConstraints(min_length=1, max_length=100)]
"""A company's own code of a branch, an agent, …"""

Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{0,62}$")]
"""A code for programs. It leaves with facts, so its form has no room for a phone or a name."""

Reference = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""The sender's own id."""

SurveyPath = Annotated[
    str, Path(alias="survey", max_length=200, description="our id, or the company's own one")
]
AnswerPath = Annotated[
    str, Path(alias="answer", min_length=1, max_length=200, description="the sender's id")
]

FROM_ONE_PLACE: Final = RateLimit("answers", per_second=2, burst=60)
"""For keys in public pages and for customers: one person cannot flood a survey."""


class TooManyAtOnce(Unprocessable):
    """More answers in one batch than one person gives."""

    code = "too_many_at_once"


async def _platform(request: Request) -> Platform:
    platform: Platform = request.app.state.platform
    return platform


Lent = Annotated[Platform, Depends(_platform)]


async def _database(platform: Lent) -> Database:
    return platform.database(SCHEMA, "api")


async def _means(platform: Lent) -> Means:
    return Means.of(platform)


async def _book(request: Request) -> Book:
    state = request.app.state
    if not hasattr(state, "feedback_book"):
        state.feedback_book = Book()
    book: Book = state.feedback_book
    return book


Db = Annotated[Database, Depends(_database)]
Keys = Annotated[Means, Depends(_means)]
Promised = Annotated[Book, Depends(_book)]
"""What companies promise about reviews and claims."""


async def region_of(platform: Platform, tenant: str) -> str:
    """The country whose phones have no plus."""
    return await platform.directory(SCHEMA).region(tenant)


async def sender_of(request: Request, platform: Platform, caller: Caller) -> Sender:
    """
    Who sends answers, and whether they may correct those of others.

    Raises:
        TooMany: Somebody in public sends more than a person can.
    """
    confined = caller.customer is not None or await _is_publishable(platform, caller)
    if confined:
        _take(request, platform, caller, 1)
    return Sender(caller, confined)


def charge(request: Request, platform: Platform, sender: Sender, answers: int) -> None:
    """
    Count a batch as so many answers, one of which `sender_of` has counted.

    Raises:
        TooManyAtOnce, TooMany: Somebody in public sends more than a person can.
    """
    if not sender.confined or answers <= 1:
        return
    if answers > FROM_ONE_PLACE.burst:
        raise TooManyAtOnce(
            f"a key in a public page sends at most {FROM_ONE_PLACE.burst} answers at once",
            detail_ru=f"ключ на открытой странице шлёт не больше {FROM_ONE_PLACE.burst} ответов"
            " сразу",
        )
    _take(request, platform, sender.caller, answers - 1)


def _take(request: Request, platform: Platform, caller: Caller, answers: int) -> None:
    place = client_ip(request.scope, platform.settings.trusted_proxies)
    left = FROM_ONE_PLACE.take(f"{caller.tenant}/{caller.principal}/{place}", answers)
    FROM_ONE_PLACE.tell(request.scope, left)


async def _is_publishable(platform: Platform, caller: Caller) -> bool:
    kind, _, key_id = caller.principal.partition(":")
    if kind != "key":
        return False
    key = await platform.directory(SCHEMA).key(caller.tenant, key_id)
    return key is not None and key.purpose is KeyPurpose.PUBLISHABLE
