"""What a company decided: its earning rules and the attributes that facts may carry."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import exists, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_loyalty.domain.earning import Rule
from otklik_loyalty.store.tables import earning_rule, purchase, setting

_READ = text(
    "SELECT pg_advisory_xact_lock_shared(hashtextextended('loyalty.rules.' || :tenant, 0))"
)
_WRITE = text("SELECT pg_advisory_xact_lock(hashtextextended('loyalty.rules.' || :tenant, 0))")


async def rules_held(tx: AsyncConnection, tenant: str) -> list[Rule]:
    """The company's rules, which cannot change until `tx` ends; many may hold them at once."""
    await tx.execute(_READ, {"tenant": tenant})
    return await rules(tx, tenant)


async def rules(tx: AsyncConnection, tenant: str) -> list[Rule]:
    """The company's rules, oldest first."""
    found = await tx.execute(
        select(earning_rule)
        .where(earning_rule.c.tenant == tenant)
        .order_by(earning_rule.c.starts_at)
    )
    return [Rule(row.starts_at, row.currency, row.points, row.per_minor) for row in found]


async def sold_since(tx: AsyncConnection, tenant: str, moment: datetime) -> bool:
    """
    Whether the company sold anything at or after `moment`.

    Waits for those who are just writing purchases, and holds off others until `tx` ends.
    """
    await tx.execute(_WRITE, {"tenant": tenant})
    known = exists().where(
        purchase.c.tenant == tenant, purchase.c.sold_at >= moment, ~purchase.c.void
    )
    return bool((await tx.execute(select(known))).scalar_one())


async def add_rule(tx: AsyncConnection, tenant: str, rule: Rule, *, by: str, now: datetime) -> bool:
    """Insert a rule; False if one starts at that moment already."""
    done = await tx.execute(
        upsert(earning_rule)
        .values(
            tenant=tenant,
            starts_at=rule.starts_at,
            currency=rule.currency,
            points=rule.points,
            per_minor=rule.per_minor,
            set_by=by,
            set_at=now,
        )
        .on_conflict_do_nothing()
    )
    return done.rowcount == 1


async def published(tx: AsyncConnection, tenant: str) -> frozenset[str]:
    """Names of the attributes that facts may carry; none until the company declares some."""
    found = await tx.execute(select(setting.c.published).where(setting.c.tenant == tenant))
    return frozenset(found.scalar_one_or_none() or ())


async def publish(tx: AsyncConnection, tenant: str, names: Iterable[str]) -> None:
    """Let facts from now on carry these attributes and no others."""
    new = upsert(setting).values(tenant=tenant, published=sorted(set(names)))
    await tx.execute(
        new.on_conflict_do_update(
            index_elements=[setting.c.tenant], set_={"published": new.excluded.published}
        )
    )
