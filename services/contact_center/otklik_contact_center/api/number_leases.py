"""Tracked numbers: what a visitor is shown, for how long, and whose call it was."""

from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from otklik_common.callers import Caller, require, require_everywhere
from otklik_common.http import PROBLEMS, PUBLIC, AwareTime, Now
from otklik_contact_center.actions.tracking import Tracking
from otklik_contact_center.api.tracking_schemas import (
    LeaseBody,
    LeaseOut,
    Number,
    SeenBody,
    WhoseOut,
)

_WRITTEN: Final = (Path(__file__).parent / "static" / "numbers.js").read_text()
SCRIPT: Final = "\n".join(line.strip() for line in _WRITTEN.splitlines() if line.strip())
"""As it is served: without what only its readers need, at most 3 KiB."""

PREFIX: Final = "/contact-center/v1"

Reads = Annotated[Caller, Depends(require_everywhere("contacts:read"))]
Shows = Annotated[Caller, Depends(require("events:push"))]


def router(tracking: Tracking) -> APIRouter:
    """The routes."""
    made = APIRouter(prefix=PREFIX, tags=["tracked numbers"])

    @made.post(
        "/number-leases",
        operation_id="lease_number",
        summary="Which number a visitor is shown",
        responses=PROBLEMS(401, 403, 404, 422),
    )
    async def lease(body: LeaseBody, caller: Shows, now: Now) -> LeaseOut:
        """
        For pages, with a publishable key. The same visitor gets the same number as long as nobody
        else has had it; nobody else gets it before it has rested.
        """
        shown = await tracking.show(
            caller.tenant, body.tracker, body.visitor, body.url, body.referrer, now
        )
        return LeaseOut.of(shown)

    @made.post(
        "/number-leases/{lease}:heartbeat",
        status_code=204,
        operation_id="keep_number_lease",
        summary="The page is still open",
        responses=PROBLEMS(401, 403, 404, 422),
    )
    async def keep(lease: UUID, body: SeenBody, caller: Shows, now: Now) -> None:
        """The lease goes on for its whole time; 404: it is over, ask for a number again."""
        await tracking.see(caller.tenant, body.tracker, lease, body.visitor, now, last=False)

    @made.post(
        "/number-leases/{lease}:release",
        status_code=204,
        operation_id="release_number_lease",
        summary="The visitor has left the page",
        responses=PROBLEMS(401, 403, 404, 422),
    )
    async def release(lease: UUID, body: SeenBody, caller: Shows, now: Now) -> None:
        """The number rests, then it is free; who wrote it down is still known for the window."""
        await tracking.see(caller.tenant, body.tracker, lease, body.visitor, now, last=True)

    @made.get(
        "/number-attribution",
        operation_id="attribute_call",
        summary="Whose call to a number it was",
        responses=PROBLEMS(401, 403, 422),
    )
    async def attribution(
        caller: Reads,
        now: Now,
        number: Annotated[Number, Query()],
        at: Annotated[AwareTime, Query(description="when the call began")],
    ) -> WhoseOut:
        """By who was shown the number then; asked a day later the answer is the same."""
        return WhoseOut.of(await tracking.whose(caller.tenant, number, at, now))

    @made.get(
        "/numbers.js",
        operation_id="get_numbers_script",
        summary="The script that shows visitors their numbers",
        response_class=Response,
        responses={200: {"content": {"text/javascript": {"schema": {"type": "string"}}}}},
        openapi_extra=PUBLIC,
    )
    async def script() -> Response:
        """
        For pages: `<script src="…/contact-center/v1/numbers.js" data-key="<publishable key>"
        data-tracker="<code>" data-replace="<number on the page>" defer></script>`. It needs no
        inline script and no style; while Otklik cannot be reached the page keeps its own number.
        """
        return Response(
            SCRIPT, media_type="text/javascript", headers={"Cache-Control": "public, max-age=3600"}
        )

    return made
