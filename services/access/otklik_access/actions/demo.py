"""Taking the demo out of access: what only the demo's own key has made."""

from dataclasses import dataclass, replace

from otklik_access.actions.calendars import remove_unused
from otklik_access.actions.change import Actor, Change, change
from otklik_access.actions.companies import put_branch_revision, put_group_revision, whole_company
from otklik_access.actions.sla_policies import remove_policy
from otklik_access.actions.staff import end_sessions, put_revision
from otklik_access.domain.kept import removed, renewed, standing
from otklik_access.domain.staff import member_id
from otklik_access.store import audit, keys, places
from otklik_common.module import Platform


@dataclass(frozen=True, slots=True)
class Removed:
    """How many were taken out."""

    branch_groups: int
    branches: int
    staff: int


async def remove_demo(platform: Platform, actor: Actor) -> Removed:
    """
    Remove what nobody but the demo has put: branch groups, branches, staff, policies and
    calendars that nothing else counts by. The demo ends.

    Safe to repeat. Raises Forbidden for a limited reach.
    """
    whole_company(actor)
    async with change(platform, actor) as this:
        tenant = actor.tenant
        demo = frozenset(f"key:{key_id}" for key_id in await keys.demo_ids(this.tx, tenant))
        put = await audit.put_only_by(this.tx, tenant, demo) if demo else []
        gone = Removed(
            branch_groups=await _remove_groups(this, [i for k, i in put if k == "branch_group"]),
            branches=await _remove_branches(this, [i for k, i in put if k == "branch"]),
            staff=await _remove_staff(this, [i for k, i in put if k == "member"]),
        )
        # Policies first: a calendar stays while anything counts by it.
        for code in (i for k, i in put if k == "sla_policy"):
            await remove_policy(this, code)
        await remove_unused(this, [i for k, i in put if k == "calendar"])
        await _end(this)
        return gone


async def _remove_groups(this: Change, codes: list[str]) -> int:
    gone = 0
    for code in codes:
        known = standing(await places.group(this.tx, this.actor.tenant, code))
        if known is not None:
            await put_group_revision(this, removed(known, this.now))
            this.note("remove", "branch_group", code)
            gone += 1
    return gone


async def _remove_branches(this: Change, codes: list[str]) -> int:
    gone = 0
    for code in codes:
        known = standing(await places.branch(this.tx, this.actor.tenant, code))
        if known is not None:
            await put_branch_revision(this, removed(known, this.now), this.company.value)
            this.note("remove", "branch", code)
            gone += 1
    return gone


async def _remove_staff(this: Change, codes: list[str]) -> int:
    gone = 0
    for code in codes:
        known = standing(await this.staff.by_code(code))
        if known is not None:
            await end_sessions(this, known)
            latest = standing(await this.staff.by_code(code)) or known
            await this.staff.retire_credential(member_id(this.actor.tenant, code), this.now)
            await put_revision(this, removed(latest, this.now))
            this.note("remove", "member", code)
            gone += 1
    return gone


async def _end(this: Change) -> None:
    value = replace(this.company.value, demo=False)
    kept = renewed(this.company, value, this.now)
    if kept is not None:
        await places.put_company(this.tx, kept)
        this.publish(value.subject, kept, value.fact())
        this.note("end_demo", "company", value.tenant)
