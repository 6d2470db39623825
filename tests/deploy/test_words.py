"""Commands and variables that deploy/ uses are those that there are."""

import re
from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner

from otklik.__main__ import app
from otklik.targets import SERVED, WORKING
from tests.support.compose import declared, fresh_secrets, is_ours
from tests.support.dockerfile import stages
from tests.support.manifests import OVERLAYS, ROOT, built, pods

SETTINGS = set(re.findall(r"OTKLIK_[A-Z_]+", (ROOT / "docs/settings.md").read_text()))


def commands() -> set[tuple[str, ...]]:
    """Whatever an image of ours is started with."""
    found = {tuple(one["command"]) for one in declared(fresh_secrets()).values() if is_ours(one)}
    for overlay in OVERLAYS:
        for _, template in pods(overlay):
            found |= {tuple(container["args"]) for container in template["spec"]["containers"]}
    return found | {tuple(stages(ROOT / "Dockerfile")[-1].last("CMD").words())}


def understood(*command: str) -> bool:
    """Whether `otklik … --help` explains it."""
    return CliRunner().invoke(app, [*command, "--help"]).exit_code == 0


def test_every_command_is_one() -> None:
    assert len(commands()) >= 15
    for command in commands():
        assert understood(*command), command
        if command[0] == "serve":
            assert command[1] in SERVED
        if command[0] == "work":
            assert command[1] in WORKING


@pytest.mark.parametrize("wrong", [("serves", "access"), ("migrate", "--no-topic")])
def test_a_command_that_is_none_is_noticed(wrong: tuple[str, ...]) -> None:
    assert isinstance(app, typer.Typer)
    assert not understood(*wrong)


def variables() -> Iterator[tuple[str, str]]:
    """Names of our variables, and who is told them."""
    for name, one in declared(fresh_secrets()).items():
        for variable in one.get("environment") or {}:
            yield name, variable
    for name in stages(ROOT / "Dockerfile")[-1].last("ENV").assignments():
        yield "Dockerfile", name
    for overlay in OVERLAYS:
        for one in built(overlay):
            for found in re.findall(r"OTKLIK_[A-Z_]+", str(one)):
                yield one["metadata"]["name"], found


def test_every_variable_is_a_setting_that_is_written_down() -> None:
    ours = [(who, name) for who, name in variables() if name.startswith("OTKLIK_")]
    assert len(ours) > 100
    assert [(who, name) for who, name in ours if name not in SETTINGS] == []
