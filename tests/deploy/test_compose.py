"""What docker-compose.yml says, as the real Compose reads it."""

import re
from pathlib import Path

import pytest

from otklik.targets import SERVICES
from tests.support.compose import FILE, ROOT, compose, declared, fresh_secrets, is_ours

REQUIRED = sorted(fresh_secrets())


def test_compose_accepts_it() -> None:
    said = compose("--file", str(FILE), "config", "--quiet", told=fresh_secrets())
    assert (said.returncode, said.stderr) == (0, "")


def test_compose_refuses_a_key_that_it_does_not_know(tmp_path: Path) -> None:
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(FILE.read_text().replace("cap_drop:", "cap_drops:", 1))
    said = compose("--file", str(wrong), "config", "--quiet", told=fresh_secrets())
    assert said.returncode != 0
    assert "cap_drops" in said.stderr


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", [None, ""])
def test_nothing_starts_without_a_secret(name: str, value: str | None) -> None:
    told = {key: text for key, text in fresh_secrets().items() if key != name}
    if value is not None:
        told[name] = value
    said = compose(
        *("--env-file", "/dev/null", "--file", str(FILE), "config", "--quiet"), told=told
    )
    assert said.returncode != 0
    assert f"{name} is missing a value: run deploy/compose/new-env.sh" in said.stderr


def test_the_example_names_every_variable_and_holds_no_secret() -> None:
    example = dict(
        line.split("=", 1)
        for line in (ROOT / ".env.example").read_text().splitlines()
        if line and not line.startswith("#")
    )
    used = set(re.findall(r"\$\{([A-Z_]+)[:}]", FILE.read_text()))
    assert used - {"TAG"} == set(example)
    assert [name for name, value in example.items() if not value] == [
        *("OTKLIK_MASTER_KEY", "POSTGRES_PASSWORD"),
        *("OTKLIK_OPERATIONS_TOKEN", "GRAFANA_PASSWORD"),
    ]


def test_every_service_has_an_api_and_a_worker() -> None:
    services = declared(fresh_secrets())
    commands = [one["command"] for one in services.values() if is_ours(one)]
    for service in SERVICES:
        assert ["serve", service] in commands
        assert ["work", service] in commands
    assert ["serve", "console"] in commands


def test_everything_that_stays_is_healthy_or_started_again() -> None:
    for name, one in declared(fresh_secrets()).items():
        if one["restart"] == "no":
            assert one["command"][0] in {"migrate", "topics", "first-start"}, name
        else:
            assert one["restart"] == "unless-stopped", name
            assert one["healthcheck"]["test"], name


def test_ours_are_confined() -> None:
    for name, one in declared(fresh_secrets()).items():
        if is_ours(one):
            assert one["read_only"] is True, name
            assert one["cap_drop"] == ["ALL"], name
            assert one["security_opt"] == ["no-new-privileges:true"], name


def test_no_read_only_service_asks_for_a_secret_that_compose_would_have_to_copy_into_it() -> None:
    for name, one in declared(fresh_secrets()).items():
        assert not (one.get("read_only") and one.get("secrets")), name


def test_apis_are_not_in_the_network_of_the_log() -> None:
    for name, one in declared(fresh_secrets()).items():
        if is_ours(one):
            in_log = "log" in one["networks"]
            assert in_log == (one["command"][0] in {"work", "topics"}), name
            assert in_log == ("OTKLIK_KAFKA_BOOTSTRAP" in one["environment"]), name


def test_ports_are_open_on_this_machine_alone() -> None:
    published = {
        name: [(port["host_ip"], port["published"]) for port in one.get("ports", [])]
        for name, one in declared(fresh_secrets()).items()
    }
    assert {name: ports for name, ports in published.items() if ports} == {
        "entrance": [("127.0.0.1", "8080")],
        "grafana": [("127.0.0.1", "3000")],
    }


def test_every_image_has_a_version() -> None:
    for name, one in declared(fresh_secrets()).items():
        assert re.search(r":v?\d[\w.-]*$", one["image"]), name


def test_the_entrance_knows_every_service() -> None:
    text = (ROOT / "deploy/compose/entrance.conf").read_text()
    found = dict(re.findall(r"location (?:= )?(\S+) \{\s+proxy_pass http://([\w-]+):8080;", text))
    assert found == {f"/{service}/": service for service in SERVICES} | {"/": "console"}


def test_postgresql_keeps_its_data_where_version_18_puts_it() -> None:
    postgres = declared(fresh_secrets())["postgres"]
    assert postgres["image"] == "postgres:18"
    assert [volume["target"] for volume in postgres["volumes"]] == ["/var/lib/postgresql"]
