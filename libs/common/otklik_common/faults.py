"""What a failed transaction means: try again, somebody's record, or nothing can work."""

import traceback
from enum import Enum
from pathlib import Path
from typing import Final

import asyncpg
from sqlalchemy import exc

DEADLOCK: Final = "40P01"
READ_ONLY: Final = "25006"
"""The server has become a standby; another is the primary now."""

_TRANSIENT_CLASSES: Final = ("08", "40", "53", "57", "58")
_TRANSIENT: Final = frozenset({"55P03", "25P02", "25P03", "25P04", READ_ONLY})
"""25P02: what ended the transaction was told while nobody listened, as after standing still."""

_BROKEN_CLASSES: Final = ("42", "3D", "3F", "28", "0A")
TOO_LONG: Final = frozenset({"57014", "25P04"})
"""A statement or its transaction took longer than it may: less at once may go through."""


class Fault(Enum):
    """What to do after an exception."""

    AGAIN = "again"
    """Connections, locks, resources: the same again, later. Never anybody's record."""

    RECORD = "record"
    """A rule or a bug that one record ran into."""

    EVERYTHING = "everything"
    """A missing table or right: no record is at fault, and none must be put aside for it."""


def fault_of(broken: BaseException) -> Fault:
    """Whose fault an exception is."""
    state = sqlstate_of(broken)
    if state is not None:
        if is_transient(state):
            return Fault.AGAIN
        return Fault.EVERYTHING if state.startswith(_BROKEN_CLASSES) else Fault.RECORD
    if isinstance(broken, exc.DBAPIError) and broken.connection_invalidated:
        return Fault.AGAIN
    if isinstance(broken, OSError | TimeoutError | exc.TimeoutError):
        return Fault.AGAIN
    return Fault.AGAIN if is_severed(broken) else Fault.RECORD


def is_transient(state: str) -> bool:
    """Whether a SQLSTATE says "not now": connections, locks, resources, a server's state."""
    return state in _TRANSIENT or state.startswith(_TRANSIENT_CLASSES)


def is_severed(broken: BaseException) -> bool:
    """
    Whether a connection is of no more use: closed, or asyncpg does not know where it stands.

    It does not after the server has ended a session while this process stood still.
    """
    root = getattr(broken, "orig", None) or broken
    cause = root.__cause__ or root
    if isinstance(cause, asyncpg.InternalClientError):
        return True
    return isinstance(cause, asyncpg.InterfaceError | OSError) and "clos" in str(cause).lower()


def sqlstate_of(broken: BaseException) -> str | None:
    """The SQLSTATE of a database error, through SQLAlchemy's wrapping; None for any other."""
    for error in (broken, getattr(broken, "orig", None)):
        state = getattr(error, "sqlstate", None)
        if isinstance(state, str):
            return state
    return None


def describe_briefly(broken: BaseException) -> str:
    """What broke and where, without any value: an exception's text may repeat one."""
    state = sqlstate_of(broken)
    frames = traceback.extract_tb(broken.__traceback__)
    ours = [frame for frame in frames if "otklik" in frame.filename] or frames
    where = f" at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    return f"{type(broken).__name__}{f' ({state})' if state else ''}{where}"
