"""Whose events may touch whose contacts: what is pushed for a branch stays with it."""

from collections.abc import Sequence
from typing import Final

import msgspec

from otklik_contact_center.domain.admission import Admitted, Refusal, canonical
from otklik_contact_center.domain.events import Event

CUSTOMERS_TYPES: Final = frozenset(("started", "queued", "message"))
"""What a customer can do by themselves."""

OURS: Final = ("agent", "team", "outcome", "due_at", "waited_seconds", "talked_seconds")
"""Fields that say what our people did or promised."""


def of_branch(admitted: Sequence[Admitted], branch: str) -> tuple[list[Admitted], list[Refusal]]:
    """
    Events of a source that belongs to a branch, each naming it, and those that name another.

    All contacts of such a source are the branch's for ever, whatever order their events come in.
    """
    kept: list[Admitted] = []
    foreign: list[Refusal] = []
    for one in admitted:
        if one.event.branch is None:
            event = msgspec.structs.replace(one.event, branch=branch)
            kept.append(Admitted(one.index, event, canonical(event)))
        elif one.event.branch == branch:
            kept.append(one)
        else:
            foreign.append(_refusal(one, "branch_out_of_reach", "the source is another branch's"))
    return kept, foreign


def by_branch(
    admitted: Sequence[Admitted], branches: frozenset[str]
) -> tuple[dict[str, list[Admitted]], list[Refusal]]:
    """
    Events of a key that is limited to branches, by the branch they are of; and the others.

    Args:
        branches: Where there is only one, events need not name it.
    """
    only = next(iter(branches)) if len(branches) == 1 else None
    kept: dict[str, list[Admitted]] = {}
    foreign: list[Refusal] = []
    for one in admitted:
        branch = one.event.branch or only
        if branch is None:
            foreign.append(_refusal(one, "branch_missing", "the key is for several branches"))
        elif branch in branches:
            kept.setdefault(branch, []).append(one)
        else:
            foreign.append(_refusal(one, "branch_out_of_reach", "the key is for other branches"))
    return kept, foreign


def by_customer(admitted: Sequence[Admitted]) -> tuple[list[Admitted], list[Refusal]]:
    """
    Events that a page may push, and the others.

    Anybody may read the key of a page, so it tells what the customer does: that they come, wait
    and write. What our people do, how it ends and what was measured is for others to say.
    """
    kept: list[Admitted] = []
    foreign: list[Refusal] = []
    for one in admitted:
        if _is_the_customers(one.event):
            kept.append(one)
        else:
            detail = "a publishable key tells only what the customer does"
            foreign.append(_refusal(one, "not_the_customers", detail))
    return kept, foreign


def _is_the_customers(event: Event) -> bool:
    return (
        event.type in CUSTOMERS_TYPES
        and event.actor in (None, "customer")
        and event.direction in (None, "in")
        and event.public
        and all(getattr(event, name) is None for name in OURS)
    )


def _refusal(one: Admitted, code: str, detail: str) -> Refusal:
    return Refusal(one.index, code, detail, one.body)
