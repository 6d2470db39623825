"""A process whose loop stands still, or whose worker gets nowhere, ends itself and says where."""

import subprocess
import sys
import textwrap

import pytest

from otklik_common.endings import STUCK


def run(body: str) -> subprocess.CompletedProcess[str]:
    """Run a coroutine's body in a process with an impatient watchdog."""
    program = """
import asyncio, os, signal, subprocess, sys, time
from otklik_common.watchdog import Watchdog

async def main():
    dog = Watchdog(beat_seconds=0.6, progress_seconds=0.6, look_seconds=0.2)
    dog.start()
    loop = dog.track("the loop")
{body}
    dog.stop()
    print("ended")

asyncio.run(main())
"""
    return subprocess.run(
        [
            sys.executable,
            "-c",
            program.format(body=textwrap.indent(textwrap.dedent(body), " " * 4)),
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_blocked_event_loop_ends_the_process_with_its_stacks() -> None:
    ended = run("""
        def blocks_the_loop():
            time.sleep(20)
        blocks_the_loop()
    """)
    assert ended.returncode == STUCK
    assert "blocks_the_loop" in ended.stderr
    assert "the event loop stood still" in ended.stderr


def test_a_worker_that_gets_nowhere_ends_the_process() -> None:
    ended = run("await asyncio.sleep(20)")
    assert ended.returncode == STUCK
    assert "the loop got nowhere" in ended.stderr


@pytest.mark.parametrize(
    "body",
    [
        # Nothing waits for it.
        "loop.waiting = False; await asyncio.sleep(2)",
        # It gets on.
        """
        for _ in range(20):
            loop.touch()
            await asyncio.sleep(0.1)
        """,
        # The whole process was stopped, by nobody's fault in it.
        """
        loop.waiting = False
        subprocess.Popen(["sh", "-c", f"kill -STOP {os.getpid()}; sleep 2; kill -CONT {os.getpid()}"])
        await asyncio.sleep(1)
        """,
    ],
)
def test_a_process_that_gets_on_is_left_alone(body: str) -> None:
    ended = run(body)
    assert (ended.returncode, ended.stdout) == (0, "ended\n"), ended.stderr
