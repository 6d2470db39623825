"""
The same request sent twice has one effect, and both times the same answer (Idempotency-Key).

The answer is kept in the transaction of the effect, so that no crash can part them, and there is
no state "in progress" to be stranded: whoever comes while the first still runs finds its lock.

Source: draft-ietf-httpapi-idempotency-key-header; nothing is kept of failures, as Stripe's v2.
"""

import asyncio
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any, Final, Protocol, Self

import orjson
from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.db import Database
from otklik_common.edge import route_of
from otklik_common.errors import BadRequest, Conflict, Unprocessable
from otklik_common.failpoints import failpoint
from otklik_common.openapi import MUST_BE_SENT
from otklik_common.outages import outage
from otklik_common.outbox import schema_of
from otklik_common.pseudonym import derive
from otklik_common.resting import rest

KEPT_DAYS: Final = 7
SWEEP_SECONDS: Final = 3600
SWEPT_AT_ONCE: Final = 10_000
"""Answers of one statement: a large table is swept within its time limit, part by part."""


# Visible ASCII; the draft's form is a quoted string, most senders leave the quotes out.
_KEY: Final = re.compile(r'"([\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\x21\x23-\x7e]{1,255})')

key_locked = failpoint("idempotency.locked", "the key is new and locked, nothing is done")
effect_done = failpoint("idempotency.done", "the effect is written, its answer is not")
answer_kept = failpoint("idempotency.kept", "effect and answer are written, not committed")
answer_committed = failpoint(
    "idempotency.committed", "effect and answer are committed, nobody is answered"
)


class KeyMissing(BadRequest):
    """Points or money move here: a repeated request must be known as one."""

    code = "idempotency_key_missing"


class KeyMalformed(BadRequest):
    """Not 1 to 255 visible ASCII characters."""

    code = "idempotency_key_malformed"


class InProgress(Conflict):
    """The first request with this key has not ended yet."""

    code = "idempotency_in_progress"


class KeyReused(Unprocessable):
    """The key stands for another request."""

    code = "idempotency_key_reused"


class Who(Protocol):
    """Whose key it is: two callers may choose the same one."""

    @property
    def tenant(self) -> str:
        """Short id of the company."""

    @property
    def principal(self) -> str:
        """Key, member or customer."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that can be kept and given again, byte for byte."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    replayed: bool = False

    @classmethod
    def json(cls, status: int, body: BaseModel | Any, **headers: str) -> Self:
        """An answer in JSON; underscores in names of headers become hyphens."""
        if isinstance(body, BaseModel):
            encoded = body.model_dump_json().encode()
        else:
            encoded = orjson.dumps(body)
        named = {name.replace("_", "-").title(): value for name, value in headers.items()}
        return cls(status, encoded, {"Content-Type": "application/json", **named})

    def response(self) -> Response:
        """The answer for the framework to send, once the transaction has ended."""
        answer_committed()
        headers = dict(self.headers)
        if self.replayed:
            headers["Idempotent-Replayed"] = "true"
        return Response(self.body, status_code=self.status, headers=headers)


class Once:
    """
    One request that must have its effect once. In an action, first thing in the transaction:

        async with db.begin(caller.tenant) as tx:
            kept = await once.replay(tx, caller)
            if kept is not None:
                return kept
            ...
            return await once.keep(tx, Reply.json(201, {"id": …}))

    Without a key both do nothing. An action that refuses leaves the transaction by its
    exception, so nothing is kept and the key may be used again.
    """

    def __init__(self, key: str | None, route: str, digest: bytes, kept_as: str = "") -> None:
        """
        Args:
            kept_as: What stands for the key in the table: senders make keys of whatever they
                have at hand, phones among it.
        """
        self.key = key
        self._route = route
        self._digest = digest
        self._kept_as = kept_as
        self._who: Who | None = None

    async def replay(self, tx: AsyncConnection, who: Who) -> Reply | None:
        """
        The answer kept for this key, or None if this is the first request with it.

        Raises:
            InProgress: The first one still runs; nothing waits.
            KeyReused: The key was used for another request in the last 7 days.
        """
        if self.key is None:
            return None
        self._who = who
        place = self._place(who)
        schema = schema_of(tx)
        name = "\n".join((schema, *place.values()))
        if not (await tx.execute(_LOCK, {"name": name})).scalar_one():
            raise InProgress(
                "the first request with this Idempotency-Key is still being done",
                detail_ru="первый запрос с этим Idempotency-Key ещё выполняется",
                headers={"Retry-After": "1"},
            )
        # A statement of its own: its snapshot must be younger than the lock.
        found = (await tx.execute(_select(schema), place)).one_or_none()
        if found is None:
            key_locked()
            return None
        if found.request_hash != self._digest:
            raise KeyReused(
                "the Idempotency-Key was used for another request",
                detail_ru="этот Idempotency-Key уже использован для другого запроса",
            )
        return Reply(found.status, found.body, found.headers, replayed=True)

    async def keep(self, tx: AsyncConnection, reply: Reply) -> Reply:
        """Keep the answer for 7 days, in the transaction of the effect; returns it."""
        assert reply.status < 400, "a refusal is raised, so that its transaction is rolled back"
        if self.key is not None:
            effect_done()
            assert self._who is not None, "ask for replay() first"
            row = {
                **self._place(self._who),
                "request_hash": self._digest,
                "status": reply.status,
                "headers": orjson.dumps(dict(reply.headers)).decode(),
                "body": reply.body,
            }
            await tx.execute(_insert(schema_of(tx)), row)
            answer_kept()
        return reply

    def _place(self, who: Who) -> dict[str, str]:
        return {
            "tenant": who.tenant,
            "principal": who.principal,
            "route": self._route,
            "key": self._kept_as,
        }


_LOCK: Final = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 7))")


@lru_cache(64)
def _select(schema: str) -> TextClause:
    return text(
        f"SELECT request_hash, status, headers, body FROM {schema}.idempotency"  # noqa: S608 - our schema
        " WHERE tenant = :tenant AND principal = :principal AND route = :route AND key = :key"
        f" AND created_at > clock_timestamp() - interval '{KEPT_DAYS} days'"
    )


@lru_cache(64)
def _insert(schema: str) -> TextClause:
    # A row may stand there still: one older than 7 days that nobody has swept yet.
    return text(
        f"INSERT INTO {schema}.idempotency"  # noqa: S608 - our schema
        " (tenant, principal, route, key, request_hash, status, headers, body)"
        " VALUES (:tenant, :principal, :route, :key, :request_hash, :status,"
        " CAST(:headers AS jsonb), :body)"
        " ON CONFLICT (tenant, principal, route, key) DO UPDATE SET"
        " request_hash = excluded.request_hash, status = excluded.status,"
        " headers = excluded.headers, body = excluded.body, created_at = clock_timestamp()"
    )


# --- Dependencies -------------------------------------------------------------------------------

_WRITTEN: Final = {"pattern": r'^("[!#-\[\]-~]{1,255}"|[!#-~]{1,255})$'}


def _header(described: dict[str, Any]) -> Any:
    return Header(
        alias="Idempotency-Key",
        max_length=257,
        description="a fresh UUID for every new request, the same for its repetitions",
        json_schema_extra=described,
    )


KeyHeader = Annotated[str | None, _header(_WRITTEN)]
NeededHeader = Annotated[str | None, _header({**_WRITTEN, MUST_BE_SENT: True})]


async def _optional(request: Request, idempotency_key: KeyHeader = None) -> Once:
    return await once_of(request, idempotency_key)


async def _required(request: Request, idempotency_key: NeededHeader = None) -> Once:
    if idempotency_key is None:
        raise KeyMissing("send Idempotency-Key", detail_ru="нужен заголовок Idempotency-Key")
    return await once_of(request, idempotency_key)


OnceIfKeyed = Annotated[Once, Depends(_optional)]
"""FastAPI dependency: once where the caller sends a key."""

OnceOnly = Annotated[Once, Depends(_required)]
"""FastAPI dependency: the same where a key is required (400 `idempotency_key_missing`)."""


async def once_of(request: Request, header: str | None) -> Once:
    """The request with its key and what makes it the same request. Raises KeyMalformed."""
    method, route = request.method, f"{request.method} {route_of(request.scope)}"
    if header is None:
        return Once(None, route, b"")
    found = _KEY.fullmatch(header.strip())
    if found is None:
        raise KeyMalformed(
            "Idempotency-Key takes 1 to 255 visible ASCII characters",
            detail_ru="Idempotency-Key – это от 1 до 255 видимых знаков ASCII",
        )
    body = _canonical(await request.body())
    parts = (method.encode(), request.url.path.encode(), request.scope["query_string"], body)
    framed = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    key, secret = found[1] or found[2], _secret(request.app.state.http_settings.master)
    # Under a key of ours: a plain hash of a body with a phone in it could be guessed.
    digest = hmac.digest(secret, framed, "sha256")
    return Once(key, route, digest, hmac.digest(secret, key.encode(), "sha256").hex())


@lru_cache(1)
def _secret(master: bytes) -> bytes:
    return derive(master, "idempotency")


def _canonical(body: bytes) -> bytes:
    """JSON without its spaces and order of names: a sender may write the same thing anew."""
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    except (ValueError, TypeError):  # No JSON, or nested deeper than can be written again.
        return body


# --- Sweeping -----------------------------------------------------------------------------------


async def sweep(db: Database) -> int:
    """Delete answers kept longer than 7 days; returns how many. Only for the role worker."""
    swept = 0
    while True:
        async with db.begin_as_worker() as tx:
            done = await tx.execute(_delete(db.schema), {"most": SWEPT_AT_ONCE})
        swept += int(done.rowcount)
        if done.rowcount < SWEPT_AT_ONCE:
            return swept


async def keep_swept(db: Database, stop: asyncio.Event) -> None:
    """Sweep every hour until `stop`: `Worker(name, partial(keep_swept, db))`."""
    while not stop.is_set():
        try:
            await sweep(db)
        except Exception as failed:
            # A database that is away is no reason to end the process: the next hour will do.
            if outage(failed) is None:
                raise
        await rest(stop, SWEEP_SECONDS)


@lru_cache(64)
def _delete(schema: str) -> TextClause:
    return text(
        f"DELETE FROM {schema}.idempotency WHERE ctid = ANY (ARRAY("  # noqa: S608 - our schema
        f"SELECT ctid FROM {schema}.idempotency"
        f" WHERE created_at <= clock_timestamp() - interval '{KEPT_DAYS} days' LIMIT :most))"
    )
