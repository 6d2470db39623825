"""The failpoints of the code, the list of them, and the cases: all the same."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from otklik.failpoints import declared
from tests.integration.failpoints.cases import CASES

pytestmark = pytest.mark.asyncio

ROOT = Path(__file__).resolve().parents[3]


async def test_every_failpoint_has_its_case_and_every_case_its_failpoint() -> None:
    wanted = sorted(name for name in declared() if not name.startswith("test."))
    assert sorted(case.point for case in CASES) == wanted


async def test_the_list_of_failpoints_is_what_the_code_says() -> None:
    made = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "otklik.failpoints"], capture_output=True, check=True
    )
    # Anew: python -m otklik.failpoints > docs/failpoints.md
    assert (ROOT / "docs" / "failpoints.md").read_bytes() == made.stdout
