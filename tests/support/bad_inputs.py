"""
The list of bad inputs, and the requests that are made of it for whatever routes there are.

Nothing here names a route: bodies are made from the OpenAPI document, so a new route is covered
by being described.
"""

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from otklik_common.http import MIB

UNSAFE: Final = frozenset({"post", "put", "patch", "delete"})
JSON: Final = "application/json"

NO_JSON: Final[Mapping[str, bytes]] = {
    "no JSON": b"name=x&value=y",
    "cut off": b'{"id": "0000',
    "two values": b"{} {}",
    "a comma too many": b'{"id": 1,}',
    "single quotes": b"{'id': 1}",
    "a comment": b'{"id": 1} // one',
    "invalid UTF-8": b'{"id": "\xff\xfe"}',
    "UTF-16": '{"id": 1}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"id": 1}',
    "zip bytes": gzip.compress(b"0" * MIB),
    "NUL bytes": b"\x00" * 10,
    "blanks alone": b" \t\r\n",
    "depth 1,000, open": b"[" * 1_000,
    "depth 100,000, open": b'{"a":' * 100_000,
    "XML": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
}
"""Bodies that are no JSON at all."""

WRONG_TOP: Final[Mapping[str, bytes]] = {
    "a text": b'"text"',
    "a number": b"7",
    "true": b"true",
    "a list of nulls": b"[null]",
    "depth 1,000": b"[" * 1_000 + b"]" * 1_000,
    "an unknown field": b'{"no_such_field": 1}',
    "an unknown field twice": b'{"no_such_field": 1, "no_such_field": 2}',
    "a name with NUL": b'{"\\u0000": 1}',
    "a name that is half a pair": b'{"\\ud800": 1}',
    "a megabyte": b'{"no_such_field": "' + b"x" * (MIB - 100) + b'"}',
}
"""JSON that is no body of any route."""

VALUES: Final[Mapping[str, str]] = {
    "NUL": '"a\\u0000b"',
    "half a surrogate pair": '"\\ud83d"',
    "not a number": "NaN",
    "endless": "-Infinity",
    "1e400": "1e400",
    "beyond 64 bits": str(2**70),
    "5,000 digits": "9" * 5_000,
    "a long text": '"' + "x" * 200_001 + '"',
    "an empty object": "{}",
    "deep": "[" * 200 + "]" * 200,
    "a list of lists": "[[], [[]]]",
}
"""Values that stand in every field of a body at once."""

HEADERS: Final[Mapping[str, tuple[str, bytes]]] = {
    "no key": ("Idempotency-Key", b""),
    "a key too long": ("Idempotency-Key", b"k" * 256),
    "a key far too long": ("Idempotency-Key", b"k" * 20_000),
    "a key beyond ASCII": ("Idempotency-Key", "ключ".encode()),
    "a key with a blank": ("Idempotency-Key", b"a b"),
    "a revision without quotes": ("If-Match", b"3"),
    "half quoted": ("If-Match", b'"3'),
    "no revision": ("If-Match", b""),
    "many revisions": ("If-Match", b'"3", ' * 1_000),
}
"""Headers that some routes read, and must refuse."""

IGNORED: Final[Mapping[str, tuple[str, bytes]]] = {
    "no language": ("Accept-Language", b""),
    "languages beyond count": ("Accept-Language", b"xx;q=0.1," * 5_000),
    "weights": ("Accept-Language", b"en;q=NaN, ru;q=-1e400, en;q=1e400;q=0"),
    "bytes for languages": ("Accept-Language", b"\xff\x00\xfe"),
    "request id": ("X-Request-Id", b"'; DROP TABLE x; --"),
    "trace": ("traceparent", b"00-zz-zz-zz"),
    "far too many proxies": ("X-Forwarded-For", b"999.999.999.999, " * 2_000),
    "accepts nothing": ("Accept", b"\xff/\xff;q=x"),
    "half a range": ("Range", b"bytes=9999999999999999999-"),
    "upgrade": ("Upgrade", b"h2c"),
    "cookie": ("Cookie", b"otklik-refresh=\xff; =; ;;a"),
}
"""Headers of which nobody may see more than a language or an id."""

QUERIES: Final[Mapping[str, str]] = {
    "an unknown parameter": "no_such_parameter=1",
    "brackets": "limit[]=1",
    "a negative limit": "limit=-1",
    "no limit": "limit=",
    "a limit of nothing": "limit=0",
    "a huge limit": f"limit={10**30}",
    "a limit in words": "limit=many",
    "half a limit": "limit=1.5",
    "two limits": "limit=1&limit=2",
    "Arabic digits, raw": "limit=%D9%A3%D9%A3%D9%A3%D9%A3",
    "a cursor of our own making": "cursor=AAAA",
    "a cursor beyond ASCII": "cursor=%D0%BA%D1%83%D1%80%D1%81%D0%BE%D1%80",
    "a long cursor": "cursor=" + "A" * 2_001,
    "NUL": "cursor=%00",
    "no UTF-8": "no_such=%FF%FE",
    "a thousand": "&".join(f"p{n}=1" for n in range(1_000)),
}
"""Query strings that no list takes."""

IDS: Final[Mapping[str, str]] = {
    "a long id": "x" * 5_000,
    "up and away": "..%2f..%2f..%2fetc%2fpasswd",
    "backslashes": "..%5c..%5cwin.ini",
    "NUL": "a%00b",
    "control characters": "a%07%1b%0d%0aX-Injected:%201",
    "no UTF-8": "%ff%fe",
    "half a surrogate pair": "%ed%a0%80",
    "percent": "%25%32%66",
    "a semicolon": "a;b=c",
    "a blank": "%20",
    "right to left": "%e2%80%ae",
    "SQL": "'%20OR%201=1--",
    "a template": "%7b%7b7*7%7d%7d",
}
"""Ids that stand in an address."""

KINDS: Final[Mapping[str, str]] = {
    "no kind": "",
    "text": "text/plain",
    "XML": "application/xml",
    "a form": "application/x-www-form-urlencoded",
    "parts without a boundary": "multipart/form-data",
    "nonsense": "\x7f/;;=",
}
"""Content types of bodies that are JSON in truth."""


@dataclass(frozen=True)
class Operation:
    """
    A route as it is described.

    Attributes:
        body: Schema of its JSON body; None where it takes none.
        kinds: Content types that it reads.
        needs_body: Whether a body must be sent.
        headers: Names of the headers that it reads.
    """

    method: str
    path: str
    body: Mapping[str, Any] | None
    kinds: tuple[str, ...]
    needs_body: bool
    headers: frozenset[str]
    queries: frozenset[str]
    document: Mapping[str, Any] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @property
    def takes_many(self) -> bool:
        """Whether it answers 202 and refuses a bad item alone."""
        return "application/x-ndjson" in self.kinds

    @property
    def address(self) -> str:
        """Its path, with ids of nothing."""
        return self.address_of("nothing-here")

    def address_of(self, id_: str) -> str:
        """Its path, with `id_` in the place of the last parameter."""
        *_, last = ["", *re.findall(r"\{(\w+)\}", self.path)]
        filled = self.path.replace(f"{{{last}}}", id_)
        return re.sub(r"\{\w+\}", str(UUID(int=7)), filled)

    def with_everywhere(self, value: str) -> bytes | None:
        """A body in which every field is `value`; None where it has no named fields."""
        names = list(_fields(self.body or {}, self.document))
        if not names:
            return None
        body = ", ".join(f"{json.dumps(name)}: {value}" for name in names)
        return f"{{{body}}}".encode()


def operations(document: Mapping[str, Any]) -> list[Operation]:
    """Every route of an OpenAPI document."""
    found = []
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            content = one.get("requestBody", {}).get("content", {})
            read = {(p["in"], p["name"]) for p in one.get("parameters", ())}
            found.append(
                Operation(
                    method=method,
                    path=path,
                    body=content.get(JSON, {}).get("schema"),
                    kinds=tuple(content),
                    needs_body=one.get("requestBody", {}).get("required", False),
                    headers=frozenset(name for where, name in read if where == "header"),
                    queries=frozenset(name for where, name in read if where == "query"),
                    document=document,
                )
            )
    return found


def bad_bodies(operation: Operation) -> Iterator[tuple[str, bytes]]:
    """What is wrong → a body that the route cannot take."""
    if operation.body is None:
        return
    yield from NO_JSON.items()
    yield from WRONG_TOP.items()
    if operation.needs_body:
        yield from (("nothing", b""), ("null", b"null"))
    for what, value in VALUES.items():
        body = operation.with_everywhere(value)
        if body is not None:
            yield f"{what} in every field", body


def _fields(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        yield from _fields(document["components"]["schemas"][name], document)
    elif "properties" in schema:
        yield from schema["properties"]
    else:
        for one in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
            if one.get("type") not in ("array", "null"):
                yield from _fields(one, document)
                return
