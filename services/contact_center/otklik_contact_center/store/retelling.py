"""Events of a source told anew: those that were told otherwise, and those told no longer."""

from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_contact_center.store.columns import SCHEMA
from otklik_contact_center.store.inbox import Row


class Retold(NamedTuple):
    """How many events were told otherwise, and how many are told no longer."""

    changed: int = 0
    gone: int = 0


# Old and new contacts are folded anew.
_RETELL: Final = text(f"""
WITH told AS (
  SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:contacts AS text[]), CAST(:hashes AS bytea[]),
    CAST(:bodies AS bytea[]), CAST(:ats AS timestamptz[]))
    AS t(id, contact, body_hash, body, at)),
old AS (
  SELECT i.id, i.contact FROM {SCHEMA}.inbox i JOIN told USING (id)
  WHERE i.tenant = :tenant AND i.source = :source AND i.body_hash <> told.body_hash
  ORDER BY i.id FOR UPDATE OF i),
changed AS (
  UPDATE {SCHEMA}.inbox i
  SET contact = told.contact, body_hash = told.body_hash, body = told.body, at = told.at
  FROM told JOIN old USING (id)
  WHERE i.tenant = :tenant AND i.source = :source AND i.id = told.id
  RETURNING i.contact),
gone AS (
  DELETE FROM {SCHEMA}.inbox i
  WHERE i.tenant = :tenant AND i.source = :source AND i.id = ANY(CAST(:gone AS text[]))
  RETURNING i.contact),
marked AS (
  INSERT INTO {SCHEMA}.dirty (tenant, source, contact, lane)
  SELECT :tenant, :source, contact, CAST(:lane AS smallint) FROM (
    SELECT contact FROM old UNION SELECT contact FROM changed UNION SELECT contact FROM gone) c)
SELECT (SELECT count(*) FROM changed), (SELECT count(*) FROM gone)
""")  # noqa: S608 - a name of our own


async def retell(
    tx: AsyncConnection,
    tenant: str,
    source: str,
    rows: Sequence[Row],
    *,
    gone: Collection[str],
    lane: int,
) -> Retold:
    """
    Tell known events as these rows do, and no longer tell those with the ids `gone`.

    Rows that are not known are left to be pushed. Contacts of the others are folded anew.

    Args:
        lane: In which they wait for it.
    """
    by_id = {row.id: row for row in rows}
    ordered = list(by_id.values())
    values: dict[str, Any] = {
        "tenant": tenant,
        "source": source,
        "ids": [row.id for row in ordered],
        "contacts": [row.contact for row in ordered],
        "hashes": [row.body_hash for row in ordered],
        "bodies": [row.body for row in ordered],
        "ats": [row.at for row in ordered],
        "gone": sorted(set(gone).difference(by_id)),
        "lane": lane,
    }
    changed, left_out = (await tx.execute(_RETELL, values)).one()
    return Retold(changed, left_out)
