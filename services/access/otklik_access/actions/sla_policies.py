"""Use cases around policies of service."""

from dataclasses import dataclass
from datetime import datetime

from otklik_access.actions.change import Actor, Change, change, changed_fields, database
from otklik_access.actions.companies import whole_company
from otklik_access.domain.kept import Kept, present, removed, renewed, standing
from otklik_access.domain.places import check_known
from otklik_access.domain.sla_policies import (
    Names,
    Policy,
    check_calendar,
    check_priority,
    edited,
    ended,
)
from otklik_access.store import calendars as calendar_store
from otklik_access.store import places
from otklik_access.store import sla_policies as store
from otklik_common.errors import NotFound
from otklik_common.etags import Expected
from otklik_common.events.access import SlaTerms
from otklik_common.ids import subject_id
from otklik_common.module import Platform
from otklik_common.paging import Part


@dataclass(frozen=True, slots=True)
class Edit:
    """
    What a policy is to promise.

    Attributes:
        valid_from: Since when; None for now. A moment of the past changes past promises.
    """

    terms: SlaTerms
    names: Names
    valid_from: datetime | None = None


async def policies(platform: Platform, tenant: str, part: Part) -> list[Kept[Policy]]:
    """Policies in the order of their codes, those that have ended included."""
    async with database(platform).begin(tenant) as tx:
        return await store.policies(tx, tenant, part)


async def policy(platform: Platform, tenant: str, code: str) -> Kept[Policy]:
    """One policy. Raises NotFound."""
    async with database(platform).begin(tenant) as tx:
        return _found(await store.policy(tx, tenant, code), code)


async def put_policy(
    platform: Platform, actor: Actor, code: str, edit: Edit, *, expected: Expected
) -> Kept[Policy]:
    """
    Make a policy, or change it from a moment on.

    Raises:
        Conflict: Another policy has its priority.
        Unprocessable: It cannot be so, or names what there is not.
        PreconditionFailed, Forbidden.
    """
    whole_company(actor)
    async with change(platform, actor) as this:
        known = await store.policy(this.tx, actor.tenant, code)
        expected.check(present(known))
        await _check_named(this, edit.terms)
        value = edited(
            None if known is None or known.void else known.value,
            code,
            edit.terms,
            names=edit.names,
            since=edit.valid_from or this.now,
        )
        check_priority(value, await store.every_policy(this.tx, actor.tenant))
        return await _keep(this, known, value, action="put")


async def end_policy(platform: Platform, actor: Actor, code: str, *, expected: Expected) -> None:
    """
    Promise nothing any more by a policy; what was promised stays.

    Raises:
        NotFound, PreconditionFailed, Forbidden.
    """
    whole_company(actor)
    async with change(platform, actor) as this:
        known = _found(await store.policy(this.tx, actor.tenant, code), code)
        expected.check(present(known))
        await _keep(this, known, ended(known.value, this.now), action="end")


async def _check_named(this: Change, terms: SlaTerms) -> None:
    tx, tenant = this.tx, this.actor.tenant
    check_known("branch", terms.branches, await places.branch_codes(tx, tenant))
    check_known("branch_group", terms.groups, await places.group_codes(tx, tenant))
    own = await calendar_store.default(tx, tenant)
    check_calendar(
        terms,
        await calendar_store.codes(tx, tenant),
        default=None if own is None else own.value.code,
    )


async def _keep(
    this: Change, known: Kept[Policy] | None, value: Policy, *, action: str
) -> Kept[Policy]:
    """Keep and announce what is new about a policy."""
    kept = renewed(known, value, this.now)
    if kept is None:
        assert known is not None
        return known
    await put_policy_revision(this, kept)
    this.note(action, "sla_policy", value.code, changed_fields(known, value))
    return kept


async def remove_policy(this: Change, code: str) -> bool:
    """Take a policy out with all that it ever promised; False where there is none."""
    known = standing(await store.policy(this.tx, this.actor.tenant, code))
    if known is None:
        return False
    await put_policy_revision(this, removed(known, this.now))
    this.note("remove", "sla_policy", code)
    return True


async def put_policy_revision(this: Change, kept: Kept[Policy]) -> None:
    """Keep and announce a revision of a policy."""
    tenant = this.actor.tenant
    await store.put_policy(this.tx, tenant, kept)
    this.publish(subject_id(tenant, "sla_policy", kept.value.code), kept, kept.value.fact())


def _found(known: Kept[Policy] | None, code: str) -> Kept[Policy]:
    found = standing(known)
    if found is None:
        raise NotFound(f"no policy has the code {code}", detail_ru=f"нет правила с кодом {code}")
    return found
