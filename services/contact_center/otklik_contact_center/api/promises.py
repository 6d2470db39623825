"""What agents promise, and the list of what may be promised."""

from datetime import timedelta
from typing import Annotated, Final, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, Field, StringConstraints

from otklik_common.callers import Caller, require, require_everywhere
from otklik_common.events.contact_center import ChannelName, channel_of
from otklik_common.events.staff import PromiseState
from otklik_common.http import (
    PROBLEMS,
    AwareTime,
    IfMatch,
    Now,
    Page,
    Pages,
    StrictModel,
    etag,
)
from otklik_common.module import Platform
from otklik_contact_center.actions import promise_kinds
from otklik_contact_center.actions.promises import Given, Promises, Shown
from otklik_contact_center.api.schemas import Code, Id
from otklik_contact_center.domain import promise as rules
from otklik_contact_center.store.columns import SCHEMA
from otklik_contact_center.store.promise_kinds import KeptKind
from otklik_contact_center.store.promises import Wanted

PREFIX: Final = "/contact-center/v1"

Reads = Annotated[Caller, Depends(require("contacts:read"))]
Promising = Annotated[Caller, Depends(require("promises:write"))]
Manages = Annotated[Caller, Depends(require_everywhere("sources:write"))]

PromiseId = Annotated[Id, Path(alias="promise", description="the sender's own id of it")]
KindCode = Annotated[Code, Path()]
WarningSeconds = Annotated[int, Field(ge=0, le=rules.MOST_WARNING.total_seconds())]


class KindBody(StrictModel):
    """Something that agents may promise."""

    names: dict[Code, Annotated[str, StringConstraints(min_length=1, max_length=200)]] = Field(
        default_factory=dict, max_length=10, description="by language"
    )
    warning_seconds: WarningSeconds = Field(
        default=int(rules.WARNING.total_seconds()),
        description="how long before they are due such promises are at risk",
    )

    def kind(self, code: str) -> rules.Kind:
        """As it is kept."""
        return rules.Kind(code, self.names, self.warning_seconds)


class KindOut(KindBody):
    """Something that agents may promise, by its code."""

    code: str

    @classmethod
    def of(cls, kept: KeptKind) -> Self:
        """The answer for one."""
        kind = kept.value
        return cls(code=kind.code, names=kind.names, warning_seconds=kind.warning_seconds)


class PromiseBody(StrictModel):
    """A promise to be: who, what, and by when."""

    agent: Code = Field(description="who promises")
    promise_kind: Code = Field(description="what, of the company's list of kinds")
    due_at: AwareTime = Field(description="by when; after it is made, and within 366 days of that")
    made_at: AwareTime | None = Field(default=None, description="left out: now")
    branch: Code | None = Field(
        default=None, description="left out: that of the contact, where it is known"
    )
    contact: Id | None = Field(
        default=None, description="the sender's own id of the contact in which it is made"
    )
    source: Id | None = Field(
        default=None, description="of the contact; left out: the company's default one"
    )
    warning_seconds: WarningSeconds | None = Field(
        default=None,
        description="how long before it is due it is at risk; left out: as its kind says",
    )
    text: Annotated[str, StringConstraints(min_length=1, max_length=rules.MOST_TEXT)] | None = (
        Field(default=None, description="what was said; it never leaves this service")
    )

    def given(self) -> Given:
        """As it was sent."""
        said = self.model_dump(exclude={"warning_seconds", "promise_kind"})
        seconds = self.warning_seconds
        warning = None if seconds is None else timedelta(seconds=seconds)
        return Given(**said, kind=self.promise_kind, warning=warning)


class KeptBody(StrictModel):
    """When a promise was kept."""

    at: AwareTime | None = Field(default=None, description="left out: now")


class PromiseOut(BaseModel):
    """A promise, and what became of it."""

    id: str
    subject: UUID = Field(description="its subject in facts and metrics")
    agent: str
    promise_kind: str
    branch: str | None
    state: PromiseState = Field(
        description="open, at_risk (about to break), broken (past due), kept, kept_late, cancelled"
    )
    made_at: AwareTime
    warn_at: AwareTime = Field(description="from when it is at risk")
    due_at: AwareTime
    kept_at: AwareTime | None
    cancelled_at: AwareTime | None
    postponed: int = Field(description="how often it was put off before it was due")
    contact: UUID | None = Field(description="subject of the contact in which it was made")
    channel: ChannelName | None
    party: str | None
    text: str | None

    @classmethod
    def of(cls, shown: Shown) -> Self:
        """The answer for a promise."""
        row, told = shown.row, shown.fact
        fact = told.model_dump()
        if told.channel is not None:
            fact["channel"] = channel_of(told)
        return cls(id=row.name, subject=row.id, text=shown.text, **fact)


async def _wanted(
    state: Annotated[PromiseState | None, Query()] = None,
    promise_kind: Annotated[Code | None, Query()] = None,
    agent: Annotated[Code | None, Query()] = None,
    branch: Annotated[Code | None, Query()] = None,
    contact: Annotated[UUID | None, Query(description="subject of the contact")] = None,
    due_from: Annotated[AwareTime | None, Query()] = None,
    due_before: Annotated[AwareTime | None, Query()] = None,
) -> Wanted:
    return Wanted(
        state=None if state is None else state.value,
        kind=promise_kind,
        agent=agent,
        branch=branch,
        contact=contact,
        due_from=due_from,
        due_before=due_before,
    )


def router(platform: Platform) -> APIRouter:
    """The routes."""
    db = platform.database(SCHEMA, "api")
    promises = Promises(db, platform.sealer)
    made = APIRouter(prefix=PREFIX, tags=["promises"])

    @made.get(
        "/promises",
        operation_id="list_promises",
        summary="What agents have promised",
        responses=PROBLEMS(400, 401, 403, 422),
    )
    async def list_promises(
        caller: Reads, wanted: Annotated[Wanted, Depends(_wanted)], paging: Pages
    ) -> Page[PromiseOut]:
        """Promises of branches within reach, whatever is due first before the others."""
        part = paging.part(caller.tenant)
        found = await promises.listed(caller, wanted, part)
        return part.page(found, key=_key, item=PromiseOut.of)

    @made.get(
        "/promises/{promise}",
        operation_id="get_promise",
        summary="One promise",
        responses=PROBLEMS(401, 403, 404, 422),
    )
    async def get(promise: PromiseId, caller: Reads, response: Response) -> PromiseOut:
        """What was promised, and what became of it."""
        return _answer(await promises.get(caller, promise), response)

    @made.put(
        "/promises/{promise}",
        operation_id="put_promise",
        summary="Make a promise, or put it off",
        responses=PROBLEMS(401, 403, 404, 409, 412, 422),
    )
    async def put(
        promise: PromiseId,
        body: PromiseBody,
        caller: Promising,
        expected: IfMatch,
        now: Now,
        response: Response,
    ) -> PromiseOut:
        """
        The same again changes nothing. It may be put off until it is due; after that, and once it
        is kept or cancelled, its times stand: 409.
        """
        shown = await promises.put(caller, promise, body.given(), expected=expected, now=now)
        return _answer(shown, response)

    @made.post(
        "/promises/{promise}/keep",
        operation_id="keep_promise",
        summary="Say that a promise was kept",
        responses=PROBLEMS(401, 403, 404, 409, 412, 422),
    )
    async def keep(
        promise: PromiseId,
        body: KeptBody,
        caller: Promising,
        expected: IfMatch,
        now: Now,
        response: Response,
    ) -> PromiseOut:
        """
        In time or late, whenever it is said; said once more with another time, the last word
        holds.
        """
        shown = await promises.keep(caller, promise, body.at, expected=expected, now=now)
        return _answer(shown, response)

    @made.post(
        "/promises/{promise}/cancel",
        operation_id="cancel_promise",
        summary="Say that a promise is not waited for any more",
        responses=PROBLEMS(401, 403, 404, 409, 412, 422),
    )
    async def cancel(
        promise: PromiseId, caller: Promising, expected: IfMatch, response: Response
    ) -> PromiseOut:
        """Until it is due: one that is broken stays so, or is kept late."""
        return _answer(await promises.cancel(caller, promise, expected=expected), response)

    @made.get(
        "/promise-kinds",
        operation_id="list_promise_kinds",
        summary="What agents may promise",
        responses=PROBLEMS(400, 401, 403, 422),
    )
    async def list_kinds(caller: Reads, paging: Pages) -> Page[KindOut]:
        """By code."""
        part = paging.part(caller.tenant)
        found = await promise_kinds.listed(db, caller, part)
        return part.page(found, key=lambda one: (one.value.code,), item=KindOut.of)

    @made.put(
        "/promise-kinds/{code}",
        operation_id="put_promise_kind",
        summary="Put something on the list of what may be promised",
        responses=PROBLEMS(401, 403, 412, 422),
    )
    async def put_kind(
        code: KindCode,
        body: KindBody,
        caller: Manages,
        expected: IfMatch,
        now: Now,
        response: Response,
    ) -> KindOut:
        """A changed warning holds for promises that are made from now on; 200 kinds at most."""
        kept = await promise_kinds.put(db, caller, body.kind(code), expected=expected, now=now)
        response.headers["ETag"] = etag(kept.revision)
        return KindOut.of(kept)

    @made.delete(
        "/promise-kinds/{code}",
        status_code=204,
        operation_id="remove_promise_kind",
        summary="Take something off the list",
        responses=PROBLEMS(401, 403, 404, 412, 422),
    )
    async def remove_kind(code: KindCode, caller: Manages, expected: IfMatch) -> None:
        """What was promised stays promised."""
        await promise_kinds.remove(db, caller, code, expected=expected)

    return made


def _answer(shown: Shown, response: Response) -> PromiseOut:
    response.headers["ETag"] = etag(shown.row.revision)
    return PromiseOut.of(shown)


def _key(shown: Shown) -> tuple[object, ...]:
    return shown.row.due_at, shown.row.id
