"""Who may do what to which table: one declaration, from which grants and row policies are made."""

from collections.abc import Mapping
from dataclasses import dataclass

from otklik_common.db import login

PRIVILEGES = {"S": "SELECT", "I": "INSERT", "U": "UPDATE", "D": "DELETE"}

OWN_ROWS = "tenant <> '' AND tenant = current_setting('app.tenant', true)"
PUSHED_ROWS = "tenant = ANY (string_to_array(current_setting('app.tenants', true), ','))"


@dataclass(frozen=True, slots=True)
class Grant:
    """
    Rights to one table, by role: letters of S(elect), I(nsert), U(pdate), D(elete).

    Attributes:
        api: A request handler: sees and writes only rows of the caller's company.
        worker: Background work over all companies; never used by a request handler.
        pusher: Appends events of several companies in one statement.
        pusher_columns: If named, the pusher's SELECT reaches these columns only.
        tenant: Whether rows belong to a company. A table without one has no row policy.
    """

    api: str = ""
    worker: str = ""
    pusher: str = ""
    pusher_columns: tuple[str, ...] = ()
    tenant: bool = True


def secure(schema: str, grants: Mapping[str, Grant]) -> list[str]:
    """
    SQL that puts `grants` into force on freshly made tables of `schema`.

    Every table with a tenant gets row security that binds its owner too (FORCE): the owner
    migrates structure and sees no rows.
    """
    statements: list[str] = []
    for table, grant in grants.items():
        name = f'"{schema}"."{table}"'
        if grant.tenant:
            statements += [
                f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
                f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
            ]
        for role, letters, rows in (
            ("api", grant.api, OWN_ROWS),
            ("worker", grant.worker, "true"),
            ("pusher", grant.pusher, PUSHED_ROWS),
        ):
            if not letters:
                continue
            to = login(schema, role)  # type: ignore[arg-type]  # the loop names the roles
            for letter in letters:
                columns = ""
                if role == "pusher" and letter == "S" and grant.pusher_columns:
                    columns = f" ({', '.join(grant.pusher_columns)})"
                statements.append(f"GRANT {PRIVILEGES[letter]}{columns} ON {name} TO {to}")
            if grant.tenant:
                statements.append(
                    f'CREATE POLICY "{role}" ON {name} TO {to} USING ({rows}) WITH CHECK ({rows})'
                )
    return statements
