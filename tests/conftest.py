"""Real servers for the tests, started when first asked for; unit tests get no network at all."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.support.kafka import KafkaBroker, running_kafka
from tests.support.postgres import PostgresServer, running_postgres

_UNIT = Path(__file__).parent / "unit"

# A shared machine pauses for seconds; time limits on examples only fail by chance there.
# The same examples every time: a run fails for what was changed; `nightly` looks for new ones.
settings.register_profile("otklik", deadline=None, print_blob=True, derandomize=True)
settings.register_profile("nightly", deadline=None, max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "otklik"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--long`."""
    parser.addoption("--long", action="store_true", help="run the tests marked long as well")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """
    Unit tests first: later, background work of session fixtures shares the event loop.

    Then what starts process trees: side by side, the longest must not come last. What is marked
    long is left out, unless it is asked for by `--long` or by its very name.
    """
    if not config.getoption("--long") and not any("::" in one for one in config.args):
        long = [item for item in items if item.get_closest_marker("long") is not None]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item.get_closest_marker("long") is None]
    items.sort(
        key=lambda item: (
            not item.path.is_relative_to(_UNIT),
            item.get_closest_marker("system") is None,
        )
    )


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL 18, fsync off; make databases of your own in it."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def kafka() -> Iterator[KafkaBroker]:
    """A Kafka broker for all; who kills or pauses one uses `running_kafka` instead."""
    with running_kafka() as broker:
        yield broker


@pytest.fixture(autouse=True)
def no_network_in_unit_tests(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A unit test that opens a connection is in the wrong folder."""
    if not request.path.is_relative_to(_UNIT):
        return

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("unit tests do no input or output: this belongs to tests/integration")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
