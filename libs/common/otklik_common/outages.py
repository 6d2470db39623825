"""Which exceptions mean "not now": the database is away, full, or somebody else holds the lock."""

import traceback
from typing import Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from otklik_common.errors import Unavailable
from otklik_common.faults import TOO_LONG, is_severed, is_transient

_TRY_AGAIN: Final = ("40", "55")
"""Serialization failures, deadlocks and locks; all else that passes is the server's state."""

_CONNECTING: Final = "asyncpg/connect_utils.py"


def outage(failed: BaseException) -> Unavailable | None:
    """The 503 that an exception means, or None if it is a fault of ours."""
    if isinstance(failed, PoolTimeout):
        return Unavailable(
            "all connections to the database are busy",
            detail_ru="все соединения с базой данных заняты",
            code="busy",
            retry_after=1,
        )
    root: BaseException = failed
    if isinstance(failed, DBAPIError):
        if failed.connection_invalidated:
            return Unavailable(
                "the connection to the database broke",
                detail_ru="соединение с базой данных оборвалось",
                code="database_unavailable",
                retry_after=2,
            )
        root = failed.orig or failed
        root = root.__cause__ or root  # SQLAlchemy's adapter wraps asyncpg's own exception
    if (
        isinstance(root, ConnectionError | TimeoutError)
        or is_severed(failed)
        or _while_connecting(root)
    ):
        return Unavailable(
            "the database does not answer",
            detail_ru="база данных не отвечает",
            code="database_unavailable",
            retry_after=2,
        )
    state = getattr(root, "sqlstate", None)
    if not isinstance(state, str) or not is_transient(state):
        return None
    if state in TOO_LONG:
        return Unavailable(
            "the database took too long",
            detail_ru="база данных отвечала слишком долго",
            code="too_slow",
            retry_after=5,
        )
    code = "try_again" if state.startswith(_TRY_AGAIN) else "database_unavailable"
    return Unavailable(
        "the database cannot do it now",
        detail_ru="база данных сейчас не может этого сделать",
        code=code,
    )


def _while_connecting(failed: BaseException) -> bool:
    """Whether asyncpg could not reach the server: its socket's file is gone, its host unknown."""
    return isinstance(failed, OSError) and any(
        frame.filename.endswith(_CONNECTING) for frame in traceback.extract_tb(failed.__traceback__)
    )
