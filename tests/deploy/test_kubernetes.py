"""What deploy/k8s asks of a cluster: valid, confined, bounded, and told nothing it need not know."""

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from jsonschema import Draft202012Validator, ValidationError

from otklik_common.runtime import DRAIN_SECONDS
from otklik_metrics.consumers import FACTS_GROUP
from otklik_metrics.store import history
from tests.support.manifests import (
    OVERLAYS,
    ROOT,
    RUNNING,
    Manifest,
    built,
    chosen,
    name_of,
    of_kind,
    pods,
)

SCALED_OBJECT = Draft202012Validator(
    json.loads(Path(__file__).with_name("scaledobject.schema.json").read_text())
)
OLDEST = "1.30"
"""The first in which a pod may sleep before it ends, without a program that does it."""

KAFKA, POSTGRESQL, HTTP, OPERATIONS = 9092, 5432, 8080, 9080

# Parameters of KEDA's trigger `kafka`, which the CRD leaves open. Source: keda.sh/docs, Apache Kafka.
KAFKA_TRIGGER = {
    *("bootstrapServers", "consumerGroup", "topic", "lagThreshold", "activationLagThreshold"),
    *("offsetResetPolicy", "allowIdleConsumers", "scaleToZeroOnInvalidOffset"),
    *("excludePersistentLag", "limitToPartitionsWithLag", "version", "partitionLimitation"),
    *("sasl", "tls", "unsafeSsl"),
}

every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


def validate(manifest: Manifest, version: str) -> None:
    """Raise where Kubernetes or KEDA would refuse an object; a kind that neither knows is an error."""
    if manifest["apiVersion"].startswith("keda.sh/"):
        SCALED_OBJECT.validate(manifest)
    else:
        kubernetes_validate.validate(manifest, version, strict=True)


@every_overlay
@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
def test_every_object_is_valid(overlay: str, version: str) -> None:
    for manifest in built(overlay):
        validate(manifest, version)


def test_what_is_not_valid_is_refused() -> None:
    scaled = deepcopy(of_kind("large", "ScaledObject")[0])
    scaled["spec"]["maxReplicas"] = 3
    with pytest.raises(ValidationError, match="maxReplicas"):
        validate(scaled, OLDEST)
    deployment = deepcopy(of_kind("large", "Deployment")[0])
    deployment["spec"]["template"]["spec"]["containers"][0]["livenessprobe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="livenessprobe"):
        validate(deployment, OLDEST)
    foreign = {"apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"name": "x"}}
    with pytest.raises(kubernetes_validate.SchemaNotFoundError):
        validate(foreign, OLDEST)


def test_yaml_is_written_as_it_is_everywhere() -> None:
    lint = Path(sys.executable).with_name("yamllint")
    said = subprocess.run(
        [lint, "--strict", "docker-compose.yml", "deploy"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.stdout == ""
    assert said.returncode == 0


@every_overlay
def test_every_container_is_confined(overlay: str) -> None:
    for owner, template in pods(overlay):
        pod = template["spec"]
        said = pod["securityContext"]
        assert said["runAsNonRoot"] is True, name_of(owner)
        assert said["runAsUser"] == said["runAsGroup"] == 10001, name_of(owner)
        assert said["seccompProfile"] == {"type": "RuntimeDefault"}, name_of(owner)
        assert pod["automountServiceAccountToken"] is False, name_of(owner)
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name_of(owner)


@every_overlay
def test_every_container_says_what_it_uses_and_which_image(overlay: str) -> None:
    for owner, template in pods(overlay):
        for container in template["spec"]["containers"]:
            resources = container["resources"]
            wanted = {"cpu", "memory", "ephemeral-storage"}
            assert set(resources["requests"]) == set(resources["limits"]) == wanted, name_of(owner)
            assert re.fullmatch(r"[\w./-]+:\d+\.\d+\.\d+", container["image"]), name_of(owner)


@every_overlay
def test_everything_that_runs_is_probed(overlay: str) -> None:
    for owner in of_kind(overlay, *RUNNING):
        (container,) = owner["spec"]["template"]["spec"]["containers"]
        paths = {
            kind: container[kind]["httpGet"]["path"]
            for kind in ("startupProbe", "livenessProbe", "readinessProbe")
        }
        # A database that is away must not restart anybody: only readiness asks for it.
        assert paths == {
            "startupProbe": "/livez",
            "livenessProbe": "/livez",
            "readinessProbe": "/readyz",
        }, name_of(owner)


@every_overlay
def test_a_pod_has_the_time_that_its_end_takes(overlay: str) -> None:
    for owner in of_kind(overlay, *RUNNING):
        pod = owner["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        sleeps = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {"seconds": 0})
        # Requests or workers have one drain, connections another.
        most = sleeps["seconds"] + 2 * DRAIN_SECONDS
        assert pod["terminationGracePeriodSeconds"] >= most + 5, name_of(owner)
        assert (sleeps["seconds"] > 0) == (owner["kind"] == "Deployment"), name_of(owner)


@every_overlay
def test_everything_that_runs_has_a_budget_and_spreads(overlay: str) -> None:
    budgets = of_kind(overlay, "PodDisruptionBudget")
    for owner in of_kind(overlay, *RUNNING):
        labels = owner["spec"]["template"]["metadata"]["labels"]
        selector = owner["spec"]["selector"]
        own = [one for one in budgets if one["spec"]["selector"] == selector]
        assert [one["spec"]["maxUnavailable"] for one in own] == [1], name_of(owner)
        for spread in owner["spec"]["template"]["spec"]["topologySpreadConstraints"]:
            assert spread["labelSelector"] == selector, name_of(owner)
        taken = [
            name_of(other)
            for other in of_kind(overlay, *RUNNING)
            if chosen(selector, other["spec"]["template"]["metadata"]["labels"])
        ]
        assert taken == [name_of(owner)], labels


def reached(overlay: str, labels: Manifest) -> set[int]:
    """Ports that a pod of these labels may connect to."""
    return {
        port["port"]
        for policy in policies_of(overlay, labels, "Egress")
        for rule in policy["spec"].get("egress", [])
        for port in rule["ports"]
    }


def policies_of(overlay: str, labels: Manifest, way: str) -> list[Manifest]:
    return [
        policy
        for policy in of_kind(overlay, "NetworkPolicy")
        if way in policy["spec"]["policyTypes"] and chosen(policy["spec"]["podSelector"], labels)
    ]


@every_overlay
def test_nobody_reaches_more_than_they_need(overlay: str) -> None:
    for owner, template in pods(overlay):
        labels = template["metadata"]["labels"]
        expected = {
            "api": {53, POSTGRESQL},
            "worker": {53, POSTGRESQL, KAFKA},
            "migrate": {53, POSTGRESQL},
            "topics": {53, KAFKA},
        }[labels["otklik/process"]]
        if labels.get("app.kubernetes.io/component") == "console":
            expected = {53, HTTP}
        assert reached(overlay, labels) == expected, name_of(owner)
        for way in ("Ingress", "Egress"):
            names = [one["metadata"]["name"] for one in policies_of(overlay, labels, way)]
            assert "nothing" in names, name_of(owner)


@every_overlay
def test_an_api_is_not_even_told_of_kafka(overlay: str) -> None:
    for owner, template in pods(overlay):
        told = any("KAFKA" in name for name in variables(overlay, template))
        wanted = template["metadata"]["labels"]["otklik/process"] in {"worker", "topics"}
        assert told == wanted, name_of(owner)


def variables(overlay: str, template: Manifest) -> set[str]:
    """Names of all variables that a pod is told; the ConfigMaps it names must be there."""
    maps = {one["metadata"]["name"]: one["data"] for one in of_kind(overlay, "ConfigMap")}
    (container,) = template["spec"]["containers"]
    found = {one["name"] for one in container.get("env", [])}
    for source in container["envFrom"]:
        found |= set(maps[source["configMapRef"]["name"]])
    return found


@every_overlay
def test_secrets_are_named_and_never_held(overlay: str) -> None:
    assert of_kind(overlay, "Secret") == []
    keys = set()
    for _, template in pods(overlay):
        (container,) = template["spec"]["containers"]
        for one in container.get("env", []):
            if "secretKeyRef" in one.get("valueFrom", {}):
                reference = one["valueFrom"]["secretKeyRef"]
                keys.add((reference["name"], reference["key"]))
            elif re.search("TOKEN|KEY$|ADMIN", one["name"]):
                raise AssertionError(f"{one['name']} is a secret in the clear")
        for volume in template["spec"].get("volumes", []):
            if "secret" in volume:
                for item in volume["secret"]["items"]:
                    keys.add((volume["secret"]["secretName"], item["key"]))
    assert keys == {
        ("otklik", "master-key"),
        ("otklik", "operations-token"),
        ("otklik-admin", "database-url"),
    }
    for name, key in keys:
        for guide in ("docs/deployment.md", "docs/deployment.ru.md"):
            assert re.search(rf"secret generic {name}\b[^`]*{key}=", (ROOT / guide).read_text())


@every_overlay
def test_every_reference_leads_somewhere(overlay: str) -> None:
    services = {one["metadata"]["name"]: one for one in of_kind(overlay, "Service")}
    running = {name_of(one): one for one in of_kind(overlay, *RUNNING)}
    for name, service in services.items():
        owners = [
            one
            for one in running.values()
            if chosen(
                {"matchLabels": service["spec"]["selector"]},
                one["spec"]["template"]["metadata"]["labels"],
            )
        ]
        assert len(owners) == 1, name
    (ingress,) = of_kind(overlay, "Ingress")
    for path in ingress["spec"]["rules"][0]["http"]["paths"]:
        assert path["backend"]["service"]["name"] in services
    for one in of_kind(overlay, "StatefulSet"):
        assert services[one["spec"]["serviceName"]]["spec"]["clusterIP"] == "None"
    for one in of_kind(overlay, "HorizontalPodAutoscaler", "ScaledObject"):
        target = one["spec"]["scaleTargetRef"]
        grown = running[f"{target['kind']}/{target['name']}"]
        # Who grows by itself has no number that the next apply would bring back.
        assert "replicas" not in grown["spec"], name_of(one)


def test_the_large_overlay_has_two_of_each_and_the_small_one() -> None:
    for one in of_kind("small", *RUNNING):
        assert one["spec"]["replicas"] == 1
    grown = {
        f"{one['spec']['scaleTargetRef']['kind']}/{one['spec']['scaleTargetRef']['name']}": one
        for one in of_kind("large", "HorizontalPodAutoscaler", "ScaledObject")
    }
    for one in of_kind("large", *RUNNING):
        least = grown.get(name_of(one), one)["spec"]
        keys: Iterable[str] = ("minReplicas", "minReplicaCount", "replicas")
        assert [least[key] for key in keys if key in least] == [2], name_of(one)


def test_workers_grow_with_the_groups_that_they_read_as() -> None:
    told: dict[str, Any] = {}
    for one in of_kind("large", "ConfigMap"):
        told |= one["data"]
    groups = set()
    for one in of_kind("large", "ScaledObject"):
        assert one["spec"]["maxReplicaCount"] <= 12, "more than a topic has partitions"
        for trigger in one["spec"]["triggers"]:
            assert trigger["type"] == "kafka"
            assert set(trigger["metadata"]) <= KAFKA_TRIGGER
            assert trigger["metadata"]["bootstrapServers"] == told["OTKLIK_KAFKA_BOOTSTRAP"]
            groups.add(trigger["metadata"]["consumerGroup"])
    assert groups == {FACTS_GROUP, history.GROUP, "feedback.contacts"}


@every_overlay
def test_prometheus_finds_every_process_by_its_annotations(overlay: str) -> None:
    for owner in of_kind(overlay, *RUNNING):
        template = owner["spec"]["template"]
        (container,) = template["spec"]["containers"]
        (port,) = container["ports"]
        annotations = template["metadata"]["annotations"]
        assert annotations["prometheus.io/scrape"] == "true"
        assert annotations["prometheus.io/port"] == str(port["containerPort"]), name_of(owner)
        assert port["containerPort"] == (HTTP if owner["kind"] == "Deployment" else OPERATIONS)
