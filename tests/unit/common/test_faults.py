"""What a failure means: wait, one record, or everything."""

import asyncpg
import pytest
from sqlalchemy import exc

from otklik_common.faults import Fault, describe_briefly, fault_of, sqlstate_of


def wrapped(broken: Exception) -> exc.DBAPIError:
    """As SQLAlchemy would raise it."""
    return exc.DBAPIError("SELECT 1", None, broken)


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (OSError("gone"), Fault.AGAIN),
        (TimeoutError(), Fault.AGAIN),
        (exc.TimeoutError(), Fault.AGAIN),
        (asyncpg.InternalClientError("state 12"), Fault.AGAIN),
        (asyncpg.DeadlockDetectedError(), Fault.AGAIN),
        (asyncpg.SerializationError(), Fault.AGAIN),
        (asyncpg.QueryCanceledError(), Fault.AGAIN),
        (asyncpg.AdminShutdownError(), Fault.AGAIN),
        (asyncpg.CannotConnectNowError(), Fault.AGAIN),
        (asyncpg.TooManyConnectionsError(), Fault.AGAIN),
        (asyncpg.DiskFullError(), Fault.AGAIN),
        (asyncpg.LockNotAvailableError(), Fault.AGAIN),
        (asyncpg.ReadOnlySQLTransactionError(), Fault.AGAIN),
        (asyncpg.InFailedSQLTransactionError(), Fault.AGAIN),
        (asyncpg.exceptions.TransactionTimeoutError(), Fault.AGAIN),
        (asyncpg.ConnectionDoesNotExistError(), Fault.AGAIN),
        (asyncpg.InterfaceError("connection is closed"), Fault.AGAIN),
        (asyncpg.InterfaceError("too many arguments"), Fault.RECORD),
        (asyncpg.UniqueViolationError(), Fault.RECORD),
        (asyncpg.NumericValueOutOfRangeError(), Fault.RECORD),
        (asyncpg.CharacterNotInRepertoireError(), Fault.RECORD),
        (ZeroDivisionError(), Fault.RECORD),
        (AssertionError(), Fault.RECORD),
        (asyncpg.UndefinedTableError(), Fault.EVERYTHING),
        (asyncpg.UndefinedColumnError(), Fault.EVERYTHING),
        (asyncpg.InsufficientPrivilegeError(), Fault.EVERYTHING),
        (asyncpg.InvalidPasswordError(), Fault.EVERYTHING),
        (asyncpg.InvalidCatalogNameError(), Fault.EVERYTHING),
    ],
)
def test_whose_fault_it_is(broken: Exception, fault: Fault) -> None:
    assert fault_of(broken) is fault
    if isinstance(broken, asyncpg.PostgresError | asyncpg.InternalClientError):
        assert fault_of(wrapped(broken)) is fault


def test_a_severed_connection_is_waited_for() -> None:
    broken = exc.DBAPIError("SELECT 1", None, Exception("?"), connection_invalidated=True)
    assert fault_of(broken) is Fault.AGAIN


def test_a_description_repeats_no_value() -> None:
    try:
        raise ValueError("+79991234567")
    except ValueError as broken:
        said = describe_briefly(broken)
    assert said.startswith("ValueError at test_faults.py:")
    assert "7999" not in said
    assert describe_briefly(wrapped(asyncpg.UniqueViolationError("+7999"))) == "DBAPIError (23505)"
    assert sqlstate_of(ValueError()) is None
