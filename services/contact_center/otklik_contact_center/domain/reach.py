"""Whose events may touch whose contacts: what is pushed for a branch stays with it."""

from collections.abc import Sequence

import msgspec

from otklik_contact_center.domain.admission import Admitted, Refusal, canonical


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


def _refusal(one: Admitted, code: str, detail: str) -> Refusal:
    return Refusal(one.index, code, detail, one.body)
