"""Routes of the head's own phones and mailboxes."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends
from pydantic import Field

from otklik_common.callers import Caller, require_everywhere
from otklik_common.http import PROBLEMS, StrictModel
from otklik_contact_center.actions.head_lines import HeadLines
from otklik_contact_center.api.schemas import Address
from otklik_contact_center.domain.head_line import MOST_LINES

PREFIX: Final = "/contact-center/v1"

Manages = Annotated[Caller, Depends(require_everywhere("sources:write"))]


class Lines(StrictModel):
    """Phones and mailboxes of the head."""

    lines: Annotated[list[Address], Field(max_length=MOST_LINES)] = Field(
        description="phones in any form, e-mails, or what the exchange calls an extension; none: no"
        " contact has the channel head_line unless its sender says so",
        examples=[["+74951234567", "director@example.com"]],
    )


def router(head_lines: HeadLines) -> APIRouter:
    """The routes."""
    made = APIRouter(prefix=PREFIX, tags=["contacts"])

    @made.get(
        "/head-lines",
        operation_id="list_head_lines",
        summary="Phones and mailboxes of the head",
        responses=PROBLEMS(401, 403),
    )
    async def listed(caller: Manages) -> Lines:
        """In the form in which they are compared: E.164, lower case."""
        return Lines(lines=await head_lines.listed(caller.tenant))

    @made.put(
        "/head-lines",
        operation_id="put_head_lines",
        summary="Say which phones and mailboxes are the head's",
        responses=PROBLEMS(401, 403, 422),
    )
    async def put(body: Lines, caller: Manages) -> Lines:
        """
        Declare them anew. What comes to one of them, or goes out from it, has the channel
        `head_line`, from the next event of a contact on; `reached_by` says whether it is a call, a
        letter, … Promises, samples and metrics choose it like any other channel. Contacts of which
        nothing more is heard stay as they were.

        What comes there is no longer among the calls of the first page and of staffing, nor in
        reach of policies, scripts and samples limited to `channel: call`. Where it should be, name
        `head_line` there as well: in the channels of a policy or of a sample, in the filters of
        staffing or of a query; a script for it is one of its own.
        """
        return Lines(lines=await head_lines.put(caller.tenant, body.lines))

    return made
