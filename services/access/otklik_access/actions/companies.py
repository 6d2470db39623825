"""Use cases around the company, its branch groups and its branches."""

from dataclasses import replace
from typing import Any

from otklik_access.actions.change import (
    Actor,
    Change,
    change,
    changed_fields,
    database,
)
from otklik_access.domain.kept import Kept, present, renewed, standing
from otklik_access.domain.places import Branch, BranchGroup, Company, check_known
from otklik_access.domain.staff import member_id
from otklik_access.store import calendars, places
from otklik_common.errors import Forbidden, NotFound
from otklik_common.etags import Expected
from otklik_common.ids import subject_id
from otklik_common.module import Platform
from otklik_common.paging import Part


async def company(platform: Platform, tenant: str) -> Kept[Company]:
    """The company. Raises NotFound."""
    async with database(platform).begin(tenant) as tx:
        found = await places.company(tx, tenant)
    if found is None:
        raise NotFound("no such company", detail_ru="такой компании нет")
    return found


async def edit_company(
    platform: Platform, actor: Actor, changes: dict[str, Any], *, expected: Expected
) -> Kept[Company]:
    """
    Change some fields of the company.

    Raises:
        PreconditionFailed: It is no longer at the revision `expected`.
        Forbidden: The actor sees only some of its branches.
    """
    whole_company(actor)
    async with change(platform, actor) as this:
        expected.check(this.company.revision)
        value = replace(this.company.value, **changes)
        kept = renewed(this.company, value, this.now)
        if kept is None:
            return this.company
        await places.put_company(this.tx, kept)
        this.publish(value.subject, kept, value.fact())
        this.note("edit", "company", value.tenant, changed_fields(this.company, value))
        if value.timezone != this.company.value.timezone:
            await _republish_days(this, value)
        return kept


async def _republish_days(this: Change, company: Company) -> None:
    """Days of work begin at midnight of the company's zone: tell the new moments."""
    for branch in await places.branches_with_days(this.tx, company.tenant):
        await put_branch_revision(this, _again(branch, this), company)
    for known in await this.staff.with_days():
        member = _again(known, this)
        await this.staff.put(member)
        fact = member.value.fact(company.timezone)
        this.publish(member_id(company.tenant, member.value.code), member, fact)


def _again(known: Kept[Any], this: Change) -> Kept[Any]:
    """The next revision of an unchanged value whose fact reads differently now."""
    kept = renewed(Kept(None, known.revision, known.recorded_at), known.value, this.now)
    assert kept is not None
    return kept


async def groups(platform: Platform, tenant: str, part: Part) -> list[Kept[BranchGroup]]:
    """Branch groups in the order of their codes."""
    async with database(platform).begin(tenant) as tx:
        return await places.groups(tx, tenant, part)


async def group(platform: Platform, tenant: str, code: str) -> Kept[BranchGroup]:
    """One branch group. Raises NotFound."""
    async with database(platform).begin(tenant) as tx:
        found = standing(await places.group(tx, tenant, code))
    if found is None:
        raise NotFound(
            f"no branch group has the code {code}", detail_ru=f"нет группы филиалов с кодом {code}"
        )
    return found


async def put_group(
    platform: Platform, actor: Actor, value: BranchGroup, *, expected: Expected
) -> Kept[BranchGroup]:
    """Make or replace a branch group. Raises PreconditionFailed, Forbidden."""
    whole_company(actor)
    async with change(platform, actor) as this:
        known = await places.group(this.tx, actor.tenant, value.code)
        expected.check(present(known))
        kept = renewed(known, value, this.now)
        if kept is None:
            assert known is not None
            return known
        await put_group_revision(this, kept)
        this.note("put", "branch_group", value.code, changed_fields(known, value))
        return kept


async def put_group_revision(this: Change, kept: Kept[BranchGroup]) -> None:
    """Keep and announce a revision of a branch group."""
    tenant, value = this.actor.tenant, kept.value
    await places.put_group(this.tx, tenant, kept)
    this.publish(subject_id(tenant, "branch_group", value.code), kept, value.fact())


async def branches(platform: Platform, actor: Actor, part: Part) -> list[Kept[Branch]]:
    """Branches within the actor's reach in the order of their codes."""
    async with database(platform).begin(actor.tenant) as tx:
        return await places.branches(tx, actor.tenant, part, reach=actor.reach)


async def branch(platform: Platform, actor: Actor, code: str) -> Kept[Branch]:
    """One branch. Raises NotFound, also where it is out of reach."""
    async with database(platform).begin(actor.tenant) as tx:
        found = standing(await places.branch(tx, actor.tenant, code))
    if found is None or (actor.reach is not None and code not in actor.reach):
        raise NotFound(f"no branch has the code {code}", detail_ru=f"нет филиала с кодом {code}")
    return found


async def put_branch(
    platform: Platform, actor: Actor, value: Branch, *, expected: Expected
) -> Kept[Branch]:
    """
    Make or replace a branch.

    Raises:
        Unprocessable: A group or the calendar that it names is unknown.
        PreconditionFailed, Forbidden.
    """
    whole_company(actor)
    async with change(platform, actor) as this:
        known = await places.branch(this.tx, actor.tenant, value.code)
        expected.check(present(known))
        check_known("branch_group", value.groups, await places.group_codes(this.tx, actor.tenant))
        if value.calendar is not None:
            known_ones = await calendars.codes(this.tx, actor.tenant)
            check_known("calendar", (value.calendar,), known_ones)
        kept = renewed(known, value, this.now)
        if kept is None:
            assert known is not None
            return known
        await put_branch_revision(this, kept, this.company.value)
        this.note("put", "branch", value.code, changed_fields(known, value))
        return kept


async def put_branch_revision(this: Change, kept: Kept[Branch], company: Company) -> None:
    """Keep and announce a revision of a branch."""
    value = kept.value
    await places.put_branch(this.tx, company.tenant, kept)
    this.publish(subject_id(company.tenant, "branch", value.code), kept, value.fact(company))


def whole_company(actor: Actor) -> None:
    """Who belongs to which group decides who sees what: only for those who see everything."""
    if actor.reach is not None:
        raise Forbidden(
            "this needs reach over the whole company", detail_ru="нужен доступ ко всей компании"
        )
