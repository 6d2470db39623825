"""Members of staff: role, reach, and the days on which they work here."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from otklik_access.domain.places import beginning, end
from otklik_common.errors import Forbidden, Unprocessable
from otklik_common.events import access as events
from otklik_common.ids import subject_id


@dataclass(frozen=True, slots=True)
class Member:
    """
    A person who works for the company.

    Attributes:
        code: The code by which contact-centre software knows them; names the member for ever.
        branches, groups: Where the role holds; both empty means the whole company.
        starts_on, ends_on: First and last day of work, in the company's zone.
        signed_out_before: Sessions begun earlier are over.
        name, email: Personal; they never leave this service.
    """

    code: str
    role: events.Role
    branches: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    starts_on: date | None = None
    ends_on: date | None = None
    active: bool = True
    signed_out_before: datetime | None = None
    name: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)

    def fact(self, zone: str) -> events.Member:
        """What other services learn: no name, no address."""
        return events.Member(
            code=self.code,
            role=self.role,
            branches=self.branches,
            groups=self.groups,
            starts_at=beginning(self.starts_on, zone),
            ends_at=end(self.ends_on, zone),
            active=self.active,
            signed_out_before=self.signed_out_before,
        )

    def works_at(self, now: datetime, zone: str) -> bool:
        """Whether they may act now."""
        starts, ends = beginning(self.starts_on, zone), end(self.ends_on, zone)
        return self.active and (starts is None or now >= starts) and (ends is None or now < ends)

    def signed_out(self, now: datetime) -> "Member":
        """
        The member with every session begun until `now` ended.

        Tokens say when they were signed in whole seconds, so the boundary is the next one.
        """
        boundary = now.replace(microsecond=0) + timedelta(seconds=1)
        if self.signed_out_before is not None and self.signed_out_before >= boundary:
            return self
        return replace(self, signed_out_before=boundary)


def member_id(tenant: str, code: str) -> UUID:
    """Subject id of the member of that code."""
    return subject_id(tenant, "member", code)


def check_member(member: Member) -> None:
    """Raise Unprocessable where the parts of a member contradict each other."""
    if member.starts_on and member.ends_on and member.ends_on < member.starts_on:
        raise Unprocessable(
            f"the last day {member.ends_on} is before the first day {member.starts_on}",
            detail_ru=f"последний день {member.ends_on} раньше первого {member.starts_on}",
            code="end_before_start",
        )
    if member.role is events.Role.ADMIN and (member.branches or member.groups):
        raise Unprocessable(
            "an admin has the whole company; name no branches or groups",
            detail_ru="администратору доступна вся компания; филиалы и группы не указывают",
            code="admin_has_all",
        )


def reach_of(
    branches: AbstractSet[str], groups: AbstractSet[str], members: Mapping[str, frozenset[str]]
) -> frozenset[str] | None:
    """
    The branches that someone reaches; None means every branch.

    Args:
        members: Codes of the branches in each group.
    """
    if not branches and not groups:
        return None
    return frozenset(branches).union(*(members.get(group, frozenset()) for group in groups))


def by_group(branches: Mapping[str, AbstractSet[str]]) -> dict[str, frozenset[str]]:
    """Codes of the branches in each group, out of the groups of each branch."""
    found: dict[str, set[str]] = {}
    for code, groups in branches.items():
        for group in groups:
            found.setdefault(group, set()).add(code)
    return {group: frozenset(codes) for group, codes in found.items()}


def check_gift(
    *,
    scopes: AbstractSet[str],
    own_scopes: AbstractSet[str],
    reach: AbstractSet[str] | None,
    own_reach: AbstractSet[str] | None,
) -> None:
    """
    Nobody gives away what they do not have.

    Raises:
        Forbidden: `scopes` or `reach` go beyond the giver's own.
    """
    more = sorted(scopes - own_scopes)
    if more:
        raise Forbidden(f"you do not have {', '.join(more)} yourself")
    if own_reach is not None and (reach is None or not reach <= own_reach):
        raise Forbidden(
            "your own branches are fewer than that",
            detail_ru="у вас самих доступ к меньшему числу филиалов",
        )
