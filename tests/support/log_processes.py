"""Starting the probe's relays and consumers as processes."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from otklik_common.failpoints import VARIABLE
from otklik_common.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def environment_of(settings: Settings, failpoints: str = "") -> dict[str, str]:
    """The environment that makes a process read the same settings."""
    given = {
        f"OTKLIK_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in settings.model_dump(mode="json", exclude_defaults=True).items()
    }
    return {**os.environ, **given, VARIABLE: failpoints}


@asynccontextmanager
async def a_process(
    role: str, topic: str, settings: Settings, failpoints: str = ""
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A relay or a consumer, which has begun; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.log_probe.process",
        role,
        topic,
        cwd=ROOT,
        env=environment_of(settings, failpoints),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        assert line == b"ready\n", await said(process)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        _, errors = await process.communicate()
        # Shown with a test that fails.
        print(f"--- {role} {topic}", errors.decode(errors="replace")[-5000:])


async def said(process: asyncio.subprocess.Process) -> str:
    """What a process that has ended wrote to standard error."""
    _, errors = await process.communicate()
    return errors.decode()
