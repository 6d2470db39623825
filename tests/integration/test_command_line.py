"""The command line as its user meets it: a process, its output and its exit code."""

from pathlib import Path

import pytest

from tests.support.deployment import Process
from tests.support.kafka import free_ports


def ended(process: Process) -> int:
    """Run to the end; the exit code."""
    process.start()
    assert process.running is not None
    return process.running.wait(60)


@pytest.mark.parametrize(
    "command", [["up"], ["doctor"], ["rebuild", "--check"], ["migrate"], ["reset-password", "a@b"]]
)
def test_a_postgresql_that_cannot_run_is_a_line_and_not_a_traceback(
    command: list[str], tmp_path: Path
) -> None:
    (tmp_path / "state.json").write_text("{}")
    (tmp_path / "postgres").symlink_to("/nowhere")
    (port,) = free_ports(1)
    process = Process([*command, "--data", str(tmp_path)], {"OTKLIK_PORT": str(port)})
    assert ended(process) == 1
    assert process.said().splitlines()[-1].endswith("leads nowhere: /nowhere is missing")
    assert "Traceback" not in process.said()


def test_a_data_folder_that_is_none_is_a_line_and_not_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    process = Process(["up", "--data", str(tmp_path / "data")], {})
    assert ended(process) == 1
    assert process.said() == f"cannot keep data in {tmp_path / 'data'}: File exists\n"
