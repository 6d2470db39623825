"""What a company decides about its programme."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.errors import Conflict
from otklik_loyalty.domain.earning import Rule
from otklik_loyalty.store import programme


class SoldSince(Conflict):
    """The rule would change what purchases that are kept already have earned."""

    code = "sold_since"


class RuleExists(Conflict):
    """Another rule starts at that very moment."""

    code = "rule_exists"


@dataclass(frozen=True, slots=True)
class Decided:
    """Rules, oldest first, and names of the attributes that facts carry."""

    rules: Sequence[Rule]
    published: Sequence[str]


async def read_programme(db: Database, caller: Caller) -> Decided:
    """What the company decided; nothing is earned and nothing published until it does."""
    async with db.begin(caller.tenant) as tx:
        rules = await programme.rules(tx, caller.tenant)
        return Decided(rules, sorted(await programme.published(tx, caller.tenant)))


async def publish_attributes(db: Database, caller: Caller, names: Sequence[str]) -> None:
    """Let facts from now on carry these attributes of purchases, and no others."""
    async with db.begin(caller.tenant) as tx:
        await programme.publish(tx, caller.tenant, names)


async def add_rule(db: Database, caller: Caller, rule: Rule, *, now: datetime) -> None:
    """
    Let purchases sold from `rule.starts_at` on earn by it; the same rule again changes nothing.

    Raises:
        SoldSince: Something sold at or after that moment is kept already: what has been earned
            is not changed behind its customer's back.
        RuleExists: A rule starts at that moment.
    """
    async with db.begin(caller.tenant) as tx:
        sold = await programme.sold_since(tx, caller.tenant, rule.starts_at)
        if rule in await programme.rules(tx, caller.tenant):
            return
        if sold:
            raise SoldSince(
                f"purchases sold since {rule.starts_at.isoformat()} are kept already",
                detail_ru=f"покупки с {rule.starts_at.isoformat()} уже приняты",
            )
        if not await programme.add_rule(tx, caller.tenant, rule, by=caller.principal, now=now):
            raise RuleExists(
                f"a rule starts at {rule.starts_at.isoformat()} already",
                detail_ru=f"правило с {rule.starts_at.isoformat()} уже есть",
            )
