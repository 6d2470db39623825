"""What docker-compose.yml declares, run: everything but the container engine is real."""

import re
from collections.abc import Iterator

import httpx
import pytest
import yaml

from otklik.targets import SERVICES
from tests.support.compose import ROOT, Composed, composed
from tests.support.deployment import Deployment
from tests.system.scenario import push_everything, until_counted

pytestmark = [pytest.mark.system, pytest.mark.kafka]


@pytest.fixture(scope="module")
def running() -> Iterator[Composed]:
    """Every service healthy, in the declared order."""
    with composed() as services:
        yield services


@pytest.fixture(scope="module")
def deployment(running: Composed) -> Iterator[Deployment]:
    """The same, and the first login as the declared job shows it."""
    said = running.run_job("first-start")
    made = dict(line.split(None, 1) for line in said.splitlines())
    urls = {service: running.url(service) for service in SERVICES}
    found = Deployment(
        "compose", urls, made["company"], made["login"], made["password"], made["key"], {}
    )
    yield found
    found.close()


def test_every_health_check_is_green(running: Composed) -> None:
    assert len(running.processes) == 11
    assert [name for name in running.processes if not running.healthy(name)] == []


def test_a_health_check_is_red_without_its_process(running: Composed) -> None:
    console = running.processes["console"]
    assert console.terminate() == 0
    assert not running.healthy("console")
    running.start_again("console")
    assert running.healthy("console")


def test_pushes_become_numbers(deployment: Deployment) -> None:
    client = deployment.client()
    assert push_everything(client)["pushed"] == {"accepted": 24, "duplicates": 0, "refused": []}
    until_counted(deployment, "contacts_offered", 9)
    until_counted(deployment, "answers", 7)
    until_counted(deployment, "purchases", 2)


def test_the_console_shows_what_the_services_say(running: Composed, deployment: Deployment) -> None:
    with httpx.Client(base_url=running.url("console"), follow_redirects=True) as browser:
        form = browser.get("/")
        assert form.url.path == "/sign-in"
        sign_in = {"login": deployment.login, "password": deployment.password}
        page = browser.post("/sign-in", data=sign_in, headers={"Origin": running.url("console")})
        assert page.status_code == 200
        assert page.url.path == "/"
        assert "NPS" in page.text


def test_prometheus_may_read_every_process_it_is_told_of(running: Composed) -> None:
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    targets = [target for group in jobs["otklik"]["static_configs"] for target in group["targets"]]
    assert {target.rpartition(":")[0] for target in targets} == set(running.processes)
    token = {"Authorization": f"Bearer {running.told['OTKLIK_OPERATIONS_TOKEN']}"}
    for target in targets:
        name, _, port = target.rpartition(":")
        url = f"{running.url(name, int(port))}/metrics"
        assert "process_resident_memory_bytes" in httpx.get(url, headers=token).text, target
        assert httpx.get(url).status_code == 401, target


def test_every_process_ends_within_its_grace(running: Composed) -> None:
    grace = {
        name: float(re.fullmatch(r"(\d+)s", service["stop_grace_period"])[1])  # type: ignore[index]
        for name, service in running.services.items()
        if name in running.processes
    }
    took = running.end()
    assert set(took) == set(grace)
    assert [name for name, seconds in took.items() if seconds > grace[name] - 5] == []
    codes = {
        name: one.running and one.running.returncode for name, one in running.processes.items()
    }
    assert codes == dict.fromkeys(running.processes, 0)
    print("longest end:", f"{max(took.values()):.1f} s")
