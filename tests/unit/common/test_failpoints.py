"""Failpoints: nothing unless armed, and then from the n-th time on."""

import os
import signal
import subprocess
import sys

import pytest

from otklik_common.failpoints import FailpointError, failpoint, failpoints

point = failpoint("test.point", "nowhere")


def test_an_unarmed_point_does_nothing() -> None:
    point()
    assert failpoints()["test.point"] is point


def test_an_armed_point_acts_from_the_nth_time_on() -> None:
    point.arm("raise@3")
    point()
    point()
    for _ in range(2):
        with pytest.raises(FailpointError, match=r"test\.point"):
            point()
    point.disarm()
    point()


def test_a_point_may_stand_still() -> None:
    point.arm("sleep:0.001")
    point()
    point.disarm()


PAUSES = """
from otklik_common.failpoints import failpoint
point = failpoint("test.place", "nowhere")
for number in range(4):
    point()
    print(number, flush=True)
"""


def test_a_point_armed_by_the_environment_stands_still_once_and_says_so() -> None:
    armed = {**os.environ, "OTKLIK_FAILPOINTS": "test.place=pause@2;other.place=kill"}
    child = subprocess.Popen(
        [sys.executable, "-c", PAUSES], env=armed, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    _, status = os.waitpid(child.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    child.send_signal(signal.SIGCONT)
    said, errors = child.communicate(timeout=30)
    assert (child.returncode, said.split()) == (0, [b"0", b"1", b"2", b"3"])
    assert errors == b"failpoint test.place: pause\n"


@pytest.mark.parametrize("action", ["", "explode", "raise@", "sleep"])
def test_an_unknown_action_is_refused(action: str) -> None:
    if action == "raise@":
        point.arm(action)
        point.disarm()
        return
    with pytest.raises(ValueError, match=r"failpoint|float"):
        point.arm(action)


def test_a_name_is_declared_once() -> None:
    with pytest.raises(AssertionError, match="declared twice"):
        failpoint("test.point", "again")
