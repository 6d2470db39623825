"""Engines and transactions: one login per service and role, the company set per transaction."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final, Literal, cast

import asyncpg
from prometheus_client import CollectorRegistry
from sqlalchemy import URL, event, make_url, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool

from otklik_common.faults import READ_ONLY, is_severed, sqlstate_of
from otklik_common.meters import PoolMeters
from otklik_common.pseudonym import derive_password
from otklik_common.settings import Settings

Role = Literal["owner", "api", "worker", "pusher"]

STATEMENT_SECONDS = 60
PROMPT_SECONDS = 20
"""The same for loops that a watchdog watches: a slow statement ends well before its patience."""

ANSWER_SECONDS = 5.0
"""Above the server's own limit: whoever waits longer waits for a host that is gone."""

CLIENT_CHECK_SECONDS = 2
"""A server that works for a client looks this often whether it is still there: a statement of a
process that was killed would keep its locks, and with them its successor from working."""

SILENT_SECONDS = 10
"""After that a host that acknowledges nothing counts as gone."""

IDLE_TIMEOUT_MS = 10_000
TRANSACTION_SECONDS = 600
PROMPT_TRANSACTION_SECONDS = 60
"""
After that the server ends a transaction, whatever it waits for.

asyncpg asks for a statement to be prepared and sends its values when it was. A process that stands
still in between is neither idle nor has it a statement that runs: no other limit ends that, and
its locks would stay for ever.
"""

LOCK_TIMEOUT_MS = 10_000

_MOMENT = text("SELECT clock_timestamp()")
_SET_TENANT = text("SELECT set_config('app.tenant', :tenant, true)")


def login(schema: str, role: Role) -> str:
    """Name of the PostgreSQL role that a service uses for one purpose."""
    return f"otklik_{schema}_{role}"


def url_of(settings: Settings, schema: str, role: Role) -> URL:
    """Where and as whom to sign in, for SQLAlchemy with asyncpg."""
    name = login(schema, role)
    return make_url(settings.database_url_of(schema)).set(
        drivername="postgresql+asyncpg",
        username=name,
        password=derive_password(settings.master, name),
    )


def connect_arguments(url: URL) -> dict[str, Any]:
    """The same for a bare `asyncpg.connect(**…)`: hot paths and sessions that hold a lock."""
    query = url.query
    host = cast("str | None", query.get("host")) or url.host
    port = cast("str | None", query.get("port")) or url.port
    return {
        "host": host,
        "port": int(port) if port else None,
        "user": url.username,
        "password": url.password,
        "database": url.database,
    }


def engine_of(
    settings: Settings,
    schema: str,
    role: Role,
    *,
    statement_seconds: int = STATEMENT_SECONDS,
    transaction_seconds: int | None = None,
    answer_seconds: float | None = None,
) -> AsyncEngine:
    """
    An engine with bounded waits: nothing hangs on a lock or an idle transaction for ever.

    Args:
        statement_seconds: The server ends a statement that takes longer.
        transaction_seconds: The same for a transaction; None: TRANSACTION_SECONDS.
        answer_seconds: A server that has not answered by then is given up, with all connections
            to it: its own limits are of no use when it is silent. None: a little later than it
            should have ended the statement.
    """
    if answer_seconds is None:
        answer_seconds = statement_seconds + ANSWER_SECONDS
    if transaction_seconds is None:
        transaction_seconds = TRANSACTION_SECONDS
    engine = create_async_engine(
        url_of(settings, schema, role),
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_pre_ping=False,
        pool_use_lifo=True,
        hide_parameters=True,
        connect_args={
            "timeout": 10,
            "command_timeout": answer_seconds,
            "server_settings": {
                "application_name": login(schema, role),
                "statement_timeout": f"{statement_seconds}s",
                "transaction_timeout": f"{transaction_seconds}s",
                "idle_in_transaction_session_timeout": str(IDLE_TIMEOUT_MS),
                "lock_timeout": str(LOCK_TIMEOUT_MS),
                "client_connection_check_interval": f"{CLIENT_CHECK_SECONDS}s",
                "timezone": "UTC",
                "jit": "off",
            },
        },
    )
    event.listen(engine.sync_engine, "connect", _connected)
    event.listen(engine.sync_engine, "handle_error", _judge)
    return engine


def _connected(adapted: Any, _: object) -> None:
    notice_silence(adapted.driver_connection)


def _judge(context: ExceptionContext) -> None:
    """Give up connections that are of no more use, without a word to whoever may be silent."""
    broken, asked = context.original_exception, context.connection
    meant = asked is not None and asked.get_execution_options().get("postgresql_readonly", False)
    gone = isinstance(broken, TimeoutError) or is_severed(broken)
    if gone or (sqlstate_of(broken) == READ_ONLY and not meant):
        context.is_disconnect = True


def notice_silence(connection: asyncpg.Connection) -> None:
    """Let the kernel end a connection over the network whose other end is silent."""
    # asyncpg offers no other way to its socket.
    transport: asyncio.Transport = connection._transport  # type: ignore[attr-defined]  # noqa: SLF001
    found = transport.get_extra_info("socket")
    if found is None or found.family not in (socket.AF_INET, socket.AF_INET6):
        return
    for level, option, value in (
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5),
        (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 2),
        (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
        (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENT_SECONDS * 1000),
    ):
        found.setsockopt(level, option, value)


class Database:
    """One service's tables, seen as one role."""

    def __init__(
        self,
        settings: Settings,
        schema: str,
        role: Role,
        *,
        statement_seconds: int = STATEMENT_SECONDS,
        transaction_seconds: int | None = None,
        answer_seconds: float | None = None,
        registry: CollectorRegistry | None = None,
    ) -> None:
        """The limits as in `engine_of`."""
        self.schema = schema
        self.role: Role = role
        self.url = url_of(settings, schema, role)
        self._engine = engine_of(
            settings,
            schema,
            role,
            statement_seconds=statement_seconds,
            transaction_seconds=transaction_seconds,
            answer_seconds=answer_seconds,
        )
        self._waits = PoolMeters(registry, schema, role)
        # The same connections; what is said here is undone when one goes back to the pool.
        self._reading = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    @asynccontextmanager
    async def begin(self, tenant: str) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees one company's rows; committed unless an exception leaves it."""
        async with self._transaction(self._engine) as tx:
            await tx.execute(_SET_TENANT, {"tenant": tenant})
            yield tx

    @asynccontextmanager
    async def snapshot(self, tenant: str) -> AsyncIterator[AsyncConnection]:
        """The same, but all its reads see one moment, that of its beginning; it writes nothing."""
        async with self._transaction(self._reading) as tx:
            await tx.execute(_SET_TENANT, {"tenant": tenant})
            yield tx

    @asynccontextmanager
    async def begin_as_worker(
        self, ended: Callable[[], None] | None = None
    ) -> AsyncIterator[AsyncConnection]:
        """
        A transaction of the role `worker`, which sees all companies in the tables named for it.

        Args:
            ended: Called whenever one of its statements has ended.
        """
        assert self.role == "worker", self.role
        async with self._transaction(self._engine) as tx:
            if ended is None:
                yield tx
                return
            # SQLAlchemy prepares its statements, which asyncpg tells nobody of; it never sees raw ones.
            event.listen(tx.sync_connection, "after_cursor_execute", lambda *_: ended())
            with (await _driver(tx)).query_logger(lambda _: ended()):
                yield tx

    @asynccontextmanager
    async def _transaction(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        began = time.perf_counter()
        async with engine.begin() as tx:
            self._waits.waited(time.perf_counter() - began)
            yield tx

    async def moment(self) -> datetime:
        """What the database's clock says."""
        async with self._engine.connect() as pooled:
            told: datetime = (await pooled.execute(_MOMENT)).scalar_one()
        return told

    async def connect(self, *, answer_seconds: float | None = None) -> asyncpg.Connection:
        """
        A connection of its own outside the pool, for sessions that hold a lock.

        Args:
            answer_seconds: After that a statement raises TimeoutError; None: it may take for ever.
        """
        connection: asyncpg.Connection = await asyncpg.connect(
            timeout=10, command_timeout=answer_seconds, **connect_arguments(self.url)
        )
        notice_silence(connection)
        return connection

    async def ready(self) -> None:
        """
        Return if the database answers; raise what it raised if not.

        Where requests use all connections another one is made: a burst is no outage.
        """
        pool = cast("QueuePool", self._engine.pool)
        if pool.checkedout() < pool.size():
            async with self._engine.connect() as pooled:
                await pooled.execute(text("SELECT 1"))
            return
        connection = await self.connect()
        try:
            await connection.execute("SELECT 1")
        finally:
            await connection.close(timeout=2)

    async def close(self) -> None:
        """Give all connections back."""
        await self._engine.dispose()


async def raw(tx: AsyncConnection) -> asyncpg.Connection:
    """
    The asyncpg connection under `tx`, inside the same transaction.

    Only for measured hot paths; each use has a page in docs/decisions.
    """
    connection = await _driver(tx)
    if not connection.is_in_transaction():
        # SQLAlchemy begins with the first statement it sees; it never sees raw ones.
        await tx.execute(text("SELECT 1"))
    return connection


async def by_index(on: asyncpg.Connection, *, anew: bool = False) -> None:
    """
    Let the rest of a transaction find rows by keys alone.

    Tables that were empty a minute ago, or a queue that is empty most of the time, let the planner
    believe that reading them whole is cheaper, or that any index is as good as the key's.

    Args:
        anew: Whether each statement is planned for its own values.
    """
    await on.execute(_BY_INDEX, "force_custom_plan" if anew else "auto")


_BY_INDEX: Final = """
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
  set_config('enable_mergejoin', 'off', true), set_config('plan_cache_mode', $1, true)
"""


async def _driver(tx: AsyncConnection) -> asyncpg.Connection:
    """The connection itself; SQLAlchemy may not have begun its transaction yet."""
    fairy = await tx.get_raw_connection()
    return cast("asyncpg.Connection", fairy.driver_connection)
