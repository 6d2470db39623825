"""Tracked numbers: sites, and what their rules show."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Response

from otklik_common.callers import Caller, require, require_everywhere
from otklik_common.http import PROBLEMS, IfMatch, Now, Page, Pages, etag
from otklik_contact_center.actions.tracking import Tracking, explained
from otklik_contact_center.api.schemas import Code
from otklik_contact_center.api.tracking_schemas import (
    ExplainedOut,
    HealthOut,
    PoolOut,
    TouchOut,
    TrackerBody,
    TrackerOut,
    VerdictOut,
)

PREFIX: Final = "/contact-center/v1"

Manages = Annotated[Caller, Depends(require_everywhere("sources:write"))]
Reads = Annotated[Caller, Depends(require_everywhere("contacts:read"))]
Shows = Annotated[Caller, Depends(require("events:push"))]
TrackerCode = Annotated[Code, Path()]


def router(tracking: Tracking) -> APIRouter:
    """The routes."""
    made = APIRouter(prefix=PREFIX, tags=["tracked numbers"])

    @made.get(
        "/number-trackers",
        operation_id="list_number_trackers",
        summary="Sites whose numbers are tracked",
        responses=PROBLEMS(400, 401, 403, 422),
    )
    async def list_all(caller: Manages, paging: Pages) -> Page[TrackerOut]:
        """By their codes."""
        part = paging.part(caller.tenant)
        found = await tracking.listed(caller.tenant, part)
        return part.page(found, key=lambda one: (one.value.code,), item=TrackerOut.of)

    @made.get(
        "/number-trackers/{code}",
        operation_id="get_number_tracker",
        summary="One site",
        responses=PROBLEMS(401, 403, 404, 422),
    )
    async def get(code: TrackerCode, caller: Manages, response: Response) -> TrackerOut:
        """Its rules and its numbers."""
        kept = await tracking.get(caller.tenant, code)
        response.headers["ETag"] = etag(kept.revision)
        return TrackerOut.of(kept)

    @made.put(
        "/number-trackers/{code}",
        operation_id="put_number_tracker",
        summary="Make a site, or change it",
        responses=PROBLEMS(401, 403, 409, 412, 422),
    )
    async def put(
        code: TrackerCode,
        body: TrackerBody,
        caller: Manages,
        expected: IfMatch,
        now: Now,
        response: Response,
    ) -> TrackerOut:
        """
        The first rule that fits a visitor says what is shown: a static number, one that is leased
        from a pool, or the page's own. A number is leased by one site, and to one visitor at a time.
        """
        kept = await tracking.put(caller, body.tracker(code), expected=expected, now=now)
        response.headers["ETag"] = etag(kept.revision)
        return TrackerOut.of(kept)

    @made.delete(
        "/number-trackers/{code}",
        status_code=204,
        operation_id="remove_number_tracker",
        summary="Take a site out",
        responses=PROBLEMS(401, 403, 404, 412, 422),
    )
    async def remove(code: TrackerCode, caller: Manages, expected: IfMatch, now: Now) -> None:
        """Its leases end; calls that follow them are still attributed."""
        await tracking.remove(caller, code, expected=expected, now=now)

    @made.get(
        "/number-trackers/{code}/explanation",
        operation_id="explain_number_tracker",
        summary="Which number a visit is shown, and why",
        responses=PROBLEMS(401, 403, 404, 422),
    )
    async def explain(
        code: TrackerCode,
        caller: Manages,
        url: Annotated[str, Query(min_length=1, max_length=2_000)],
        referrer: Annotated[str | None, Query(max_length=2_000)] = None,
    ) -> ExplainedOut:
        """Every rule that was asked, in order, and the first condition that did not fit."""
        choice, touch = explained((await tracking.get(caller.tenant, code)).value, url, referrer)
        rule = choice.rule
        return ExplainedOut(
            touch=TouchOut.of(touch),
            rule=None if rule is None else rule.code,
            number=None if rule is None else rule.number,
            pool=None if rule is None else rule.pool,
            verdicts=[VerdictOut(rule=one.rule, failed=one.failed) for one in choice.verdicts],
        )

    @made.get(
        "/number-trackers/{code}/health",
        operation_id="get_number_tracker_health",
        summary="Whether a site has enough numbers",
        responses=PROBLEMS(401, 403, 404, 422),
    )
    async def health(code: TrackerCode, caller: Manages, now: Now) -> HealthOut:
        """
        Of each pool what is leased now, whom it has lost, and how many numbers it needs, by Erlang B
        from its own busiest hour.
        """
        found = await tracking.health(caller.tenant, code, now)
        return HealthOut(pools=[PoolOut.of(one) for one in found])

    return made
