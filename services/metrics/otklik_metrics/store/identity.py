"""
Which pseudonyms are one customer: a function of the customer facts, whatever their order.

Of two customers that claim one pseudonym, the one with the lowest subject id has it, until the
claim is given up: loyalty merges such customers, and then one of them claims nothing more.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

import asyncpg

from otklik_metrics.store.facts import Change
from otklik_metrics.store.tables import SCHEMA

Claim = tuple[str, str, UUID]
"""Company, pseudonym, customer."""

_LOCK = 0x6964656E
"""First half of the advisory lock's key; the second is the company's."""


async def move(
    connection: asyncpg.Connection, changes: Iterable[Change], *, schema: str = SCHEMA
) -> None:
    """Take up and give up what customer facts claim, and find out whose each pseudonym is now."""
    given, taken = _claims(changes)
    if not given and not taken:
        return
    tenants = sorted({tenant for tenant, _, _ in (*given, *taken)})
    # Two customers of different partitions may claim one pseudonym at the same time.
    await connection.execute(
        "SELECT pg_advisory_xact_lock($1, hashtext(tenant)) FROM "
        "(SELECT unnest($2::text[]) AS tenant ORDER BY 1) AS ours",
        _LOCK,
        tenants,
    )
    await connection.execute(_GIVE.format(schema=schema), *_columns(given))
    await connection.execute(_TAKE.format(schema=schema), *_columns(taken))
    about = sorted({(tenant, pseudonym) for tenant, pseudonym, _ in (*given, *taken)})
    names = [tenant for tenant, _ in about], [pseudonym for _, pseudonym in about]
    await connection.execute(_FORGET.format(schema=schema), *names)
    await connection.execute(_SETTLE.format(schema=schema), *names)


def _claims(changes: Iterable[Change]) -> tuple[list[Claim], list[Claim]]:
    """What is given up and what is taken up, sorted."""
    given: list[Claim] = []
    taken: list[Claim] = []
    for change in changes:
        old = set(change.old.identifiers) if change.old is not None else set()
        new = set(change.new.identifiers) if change.new is not None else set()
        given += [(change.tenant, pseudonym, change.subject) for pseudonym in old - new]
        taken += [(change.tenant, pseudonym, change.subject) for pseudonym in new - old]
    return sorted(given), sorted(taken)


def _columns(claims: Sequence[Claim]) -> tuple[list[str], list[str], list[UUID]]:
    return (
        [tenant for tenant, _, _ in claims],
        [pseudonym for _, pseudonym, _ in claims],
        [customer for _, _, customer in claims],
    )


_GIVE = """
    DELETE FROM {schema}.identity_claim AS known USING
        unnest($1::text[], $2::text[], $3::uuid[]) AS ours (tenant, pseudonym, customer)
    WHERE (known.tenant, known.pseudonym, known.customer)
        = (ours.tenant, ours.pseudonym, ours.customer)"""

_TAKE = """
    INSERT INTO {schema}.identity_claim (tenant, pseudonym, customer)
    SELECT tenant, pseudonym, customer
    FROM unnest($1::text[], $2::text[], $3::uuid[]) AS ours (tenant, pseudonym, customer)
    ON CONFLICT DO NOTHING"""

_FORGET = """
    DELETE FROM {schema}.identity AS known USING unnest($1::text[], $2::text[]) AS ours (tenant, pseudonym)
    WHERE (known.tenant, known.pseudonym) = (ours.tenant, ours.pseudonym) AND NOT EXISTS (
        SELECT FROM {schema}.identity_claim AS claim
        WHERE (claim.tenant, claim.pseudonym) = (ours.tenant, ours.pseudonym))"""

_SETTLE = """
    INSERT INTO {schema}.identity (tenant, pseudonym, customer)
    SELECT DISTINCT ON (claim.tenant, claim.pseudonym) claim.tenant, claim.pseudonym, claim.customer
    FROM {schema}.identity_claim AS claim JOIN
        unnest($1::text[], $2::text[]) AS ours (tenant, pseudonym) USING (tenant, pseudonym)
    ORDER BY claim.tenant, claim.pseudonym, claim.customer
    ON CONFLICT (tenant, pseudonym) DO UPDATE SET customer = excluded.customer
    WHERE identity.customer IS DISTINCT FROM excluded.customer"""
