"""
Pushes by keys that speak for less than the whole company.

A contact is named by its source and its sender's id of it, so whoever may push through a source
may change any of its contacts. What is limited therefore has sources of its own (decision 0029).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from otklik_common.callers import Caller
from otklik_common.errors import Forbidden
from otklik_contact_center.actions.push import Door, Portion, Pushed, read
from otklik_contact_center.actions.sources import SourceBook, unknown
from otklik_contact_center.domain.admission import Admitted, Push, Refusal
from otklik_contact_center.domain.reach import by_branch, by_customer
from otklik_contact_center.domain.source import Source, branch_source, web_source

Proof = Callable[[Source], None]
"""Raises BadSignature if a source signs its pushes and this is not signed by it."""


def is_confined(caller: Caller) -> bool:
    """Whether a caller may push only through sources of its own."""
    return caller.publishable or caller.branches is not None


async def named_source(
    book: SourceBook, caller: Caller, source_id: str | None, now: datetime
) -> Source:
    """
    The source that a caller names; None names the company's default one.

    Raises:
        UnknownSource: There is none of that id, or it is not within the caller's reach.
    """
    source = await book.get(caller.tenant, source_id, now)
    within = caller.branches is None or source.branch in caller.branches
    if caller.publishable or not within:
        raise unknown(source.id)
    return source


async def push_confined(
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
    Keep the events in a body, each in the source of the caller's that it belongs to.

    Args:
        caller: Confined.
        lines, traceparent: As for `Door.push`.
    Raises:
        Forbidden: The key is for no branch.
        BadSignature, MalformedPush, TooManyEvents: Nothing of it was kept.
        Unavailable: The same, for now.
    """
    if caller.branches is not None and not caller.branches:
        raise Forbidden(
            "the key is for no branch", detail_ru="ключ не относится ни к одному филиалу"
        )
    kept, refused = _sorted(caller, read(body, now, lines=lines))
    # What was not let in lies with a source of the key too: replayed, it reaches no further.
    home = min(caller.branches) if caller.branches else None
    if refused:
        kept = {home: [], **kept}
    portions = []
    for branch, admitted in kept.items():
        source = await book.get_or_make(_source(caller, branch, now), now)
        proof(source)
        source.check_taking()
        portions.append(Portion(source, admitted, refused if branch == home else ()))
    return await door.keep(portions, now=now, traceparent=traceparent)


def _sorted(
    caller: Caller, push: Push
) -> tuple[Mapping[str | None, Sequence[Admitted]], Sequence[Refusal]]:
    """What the caller may push, by branch, and all the rest; None: of any branch."""
    admitted, refused = push.admitted, push.refused
    if caller.publishable:
        admitted, foreign = by_customer(admitted)
        refused = [*refused, *foreign]
    if caller.branches is None:
        return ({None: admitted} if admitted else {}), refused
    mine, foreign = by_branch(admitted, caller.branches)
    kept: dict[str | None, Sequence[Admitted]] = {}
    kept.update(mine)
    return kept, [*refused, *foreign]


def _source(caller: Caller, branch: str | None, now: datetime) -> Source:
    if caller.publishable:
        return web_source(caller.tenant, branch, now)
    assert branch is not None, "only pages push for the whole company in a source of their own"
    return branch_source(caller.tenant, branch, now)
