"""Values that stand nowhere else in the world, and every form in which they could leak."""

import base64
import json
import random
import secrets
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, quote_plus

import asyncpg

RARE = "ЪыщЫъЭ"
"""No Russian word holds these letters in this order."""


@dataclass(frozen=True)
class Canaries:
    """
    One person of one run.

    Attributes:
        digits: Of the phone, without its 7: ten of them.
        secret: A password and a token that nobody has.
    """

    digits: str
    name: str
    mail: str
    text: str
    secret: str

    @property
    def phone(self) -> str:
        """As most systems send it."""
        return f"+7{self.digits}"

    @property
    def spaced(self) -> str:
        """As people write it."""
        d = self.digits
        return f"8 ({d[:3]}) {d[3:6]}-{d[6:8]}-{d[8:]}"

    def forms(self) -> Mapping[str, bytes]:
        """What to look for: name of the form → bytes."""
        found: dict[str, bytes] = {}
        whole = {
            "phone": self.digits,
            "spaced phone": self.spaced[3:],
            "name": self.name,
            "mail": self.mail.split("@", maxsplit=1)[0],
            "text": self.text,
            "secret": self.secret,
        }
        for what, value in whole.items():
            for form, shown in _forms(value):
                if shown not in found.values():
                    found[f"{what} {form}"] = shown
        return found


def new_canaries() -> Canaries:
    """Another person for every run."""
    chance = random.SystemRandom()
    letters = "".join(chance.choices(string.ascii_lowercase, k=10))
    return Canaries(
        digits="000" + "".join(chance.choices(string.digits, k=7)),
        name=RARE + "".join(chance.choices("жфхцчшщюя", k=6)),
        mail=f"{letters}@{letters[:6]}.invalid",
        text=f"канарейка {secrets.token_hex(8)} поёт",
        secret=f"Zq{secrets.token_hex(12)}",
    )


def _forms(value: str) -> Iterator[tuple[str, bytes]]:
    plain = value.encode()
    yield "plain", plain
    yield "in JSON", json.dumps(value)[1:-1].encode()
    yield "in a repr", ascii(value)[1:-1].encode()
    yield "in a path", quote(value, safe="").encode()
    yield "in a form", quote_plus(value).encode()
    yield "in cp1251", value.encode("cp1251", "replace")
    yield "in UTF-16", value.encode("utf-16-le")
    yield "in hex", plain.hex().encode()
    yield "in HEX", plain.hex().upper().encode()
    for shift in range(3):
        # Characters in the middle do not depend on what stands beside the value.
        coded = base64.b64encode(b"\0" * shift + plain + b"\0\0")
        inner = coded[4 if shift else 0 : (shift + len(plain)) // 3 * 4]
        yield f"in base64 from {shift}", inner
        yield f"in base64url from {shift}", inner.replace(b"+", b"-").replace(b"/", b"_")


def hits(forms: Mapping[str, bytes], held: bytes) -> list[str]:
    """Names of the forms that `held` holds."""
    return [name for name, form in forms.items() if form in held]


def hits_in_files(forms: Mapping[str, bytes], folder: Path) -> tuple[list[str], int]:
    """
    The same for all files of a folder, as `file: form`.

    Without PostgreSQL's own tables and write-ahead log: what they hold is looked at as tables.

    Returns:
        The hits, and how many files were looked at.
    """
    found, seen = [], 0
    for path in folder.rglob("*"):
        own = {"base", "global", "pg_wal"} & set(path.relative_to(folder).parts[:-1])
        if (not own or "pgsql_tmp" in path.parts) and path.is_file() and not path.is_symlink():
            seen += 1
            try:
                held = path.read_bytes()
            except FileNotFoundError:
                continue  # PostgreSQL removes files of its own while we look
            found += [f"{path.relative_to(folder)}: {name}" for name in hits(forms, held)]
    return found, seen


async def hits_in_tables(forms: Mapping[str, bytes], admin_url: str) -> tuple[list[str], int]:
    """
    The same for every value of every table, `schema.table.column: form`.

    Returns:
        The hits, and how many values were looked at: none would prove nothing.
    """
    connection = await asyncpg.connect(admin_url)
    try:
        columns = await connection.fetch(
            """
            SELECT n.nspname AS schema, c.relname AS name, a.attname AS column,
                   format_type(a.atttypid, NULL) AS type
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
              AND n.nspname NOT IN ('pg_catalog', 'information_schema')
            ORDER BY 1, 2, a.attnum
            """
        )
        found: list[str] = []
        seen = 0
        for column in columns:
            # Every type has a text; that of bytes is hex, so those are read as they are.
            shown = f'"{column["column"]}"'
            if column["type"] not in ("bytea", "bytea[]"):
                shown += "::text"
            place = f"{column['schema']}.{column['name']}.{column['column']}"
            rows = await connection.fetch(
                f'SELECT {shown} AS value FROM "{column["schema"]}"."{column["name"]}"'
            )
            values = [_bytes(row["value"]) for row in rows if row["value"] is not None]
            seen += len(values)
            found += [f"{place}: {name}" for name in hits(forms, b"\n".join(values))]
        return found, seen
    finally:
        await connection.close()


def _bytes(value: str | bytes | list[bytes]) -> bytes:
    if isinstance(value, list):
        return b"\n".join(value)
    return value.encode() if isinstance(value, str) else value
