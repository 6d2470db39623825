"""
Pushes by keys that speak for less than the whole company.

A contact is named by its source and its sender's id of it, so whoever may push through a source
may change any of its contacts. What is limited therefore has sources of its own (decision 0029).
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from otklik_common.callers import Caller
from otklik_common.errors import Forbidden
from otklik_contact_center.actions.push import Door, Portion, Pushed, read
from otklik_contact_center.actions.sources import SourceBook, unknown
from otklik_contact_center.domain.reach import by_branch
from otklik_contact_center.domain.source import Source

Proof = Callable[[Source], None]
"""Raises BadSignature if a source signs its pushes and this is not signed by it."""


async def named_source(
    book: SourceBook, caller: Caller, source_id: str | None, now: datetime
) -> Source:
    """
    The source that a caller names; None names the company's default one.

    Raises:
        UnknownSource: There is none of that id, or it is not within the caller's reach.
    """
    source = await book.get(caller.tenant, source_id, now)
    if caller.branches is not None and source.branch not in caller.branches:
        raise unknown(source.id)
    return source


async def push_for_branches(
    door: Door,
    book: SourceBook,
    caller: Caller,
    body: bytes,
    *,
    now: datetime,
    proof: Proof,
    lines: bool = False,
    traceparent: str | None = None,
) -> Pushed:
    """
    Keep the events in a body, each in the source of the branch that it is of.

    Args:
        caller: Limited to branches.
        lines, traceparent: As for `Door.push`.
    Raises:
        Forbidden: The key is for no branch.
        BadSignature, MalformedPush, TooManyEvents: Nothing of it was kept.
        Unavailable: The same, for now.
    """
    branches = caller.branches
    if not branches:
        raise Forbidden("the key is for no branch")
    push = read(body, now, lines=lines)
    kept, foreign = by_branch(push.admitted, branches)
    refused = [*push.refused, *foreign]
    # What was not let in lies with a branch of the key too: replayed, it reaches no further.
    home = min(branches)
    if refused:
        kept.setdefault(home, [])
    parts = [
        Portion(source, kept[branch], refused if branch == home else ())
        for branch, source in await _sources(book, caller.tenant, kept, now)
    ]
    for part in parts:
        proof(part.source)
    return await door.keep(parts, now=now, traceparent=traceparent)


async def _sources(
    book: SourceBook, tenant: str, branches: Iterable[str], now: datetime
) -> list[tuple[str, Source]]:
    return [(branch, await book.of_branch(tenant, branch, now)) for branch in branches]
