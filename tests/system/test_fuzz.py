"""Every operation of every service against Schemathesis, shortly; `make fuzz` does it at length."""

import asyncio
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from otklik_common.runtime import create_app, make_platform
from tests.fuzz.__main__ import SERVICES
from tests.fuzz.tuning import RULES
from tests.support.app import all_modules, migrated_database, settings_of
from tests.support.bad_inputs import operations
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.system

HALVES = (("contact-center", "metrics"), ("access", "feedback", "loyalty"))
"""Asked side by side, each by a process of its own: they take alike long."""

MOST_SECONDS = 600


@pytest.mark.long
def test_every_operation_keeps_to_its_description(postgres: PostgresServer) -> None:
    asyncio.run(migrated_database(postgres, "fuzzed"))  # or both would migrate at once

    def ask(services: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
        # Hypothesis draws from the constants of whatever modules of ours are loaded: in a process
        # that has run other tests it would ask otherwise.
        return subprocess.run(
            [sys.executable, "-m", "tests.fuzz", "--short", "--postgres", postgres.admin_url]
            + [f"--service={one}" for one in services],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONHASHSEED": "0", "NO_PROXY": "127.0.0.1"},
            capture_output=True,
            text=True,
            timeout=MOST_SECONDS,
            check=False,
        )

    with ThreadPoolExecutor(len(HALVES)) as both:
        asked = list(both.map(ask, HALVES))
    said = "".join(one.stdout + one.stderr for one in asked)
    assert [one.returncode for one in asked] == [0, 0], said
    assert {line.split(":")[0] for line in said.splitlines() if " operations, " in line} == set(
        SERVICES
    )


def test_every_service_is_asked() -> None:
    app = create_app(
        all_modules(), make_platform(settings_of("postgresql://nobody@127.0.0.1/none"))
    )
    found = {one.path.split("/")[1] for one in operations(app.openapi())}
    assert found == {one for half in HALVES for one in half} == set(SERVICES)


def test_what_a_schema_can_say_is_no_rule() -> None:
    general = (
        "missing unknown_field wrong_type out_of_range too_short too_long not_one_of malformed"
    )
    assert RULES.keys().isdisjoint(general.split())
