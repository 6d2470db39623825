"""deploy/k8s as the real kustomize builds it."""

import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "k8s"
OVERLAYS = ("small", "large")
RUNNING = ("Deployment", "StatefulSet")

Manifest = dict[str, Any]


@cache
def built(overlay: str) -> list[Manifest]:
    """Every object of an overlay."""
    kubectl = Path(sys.executable).with_name("kubectl")
    folder = FOLDER / "overlays" / overlay
    said = subprocess.run(
        [kubectl, "kustomize", folder], capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
    return list(yaml.safe_load_all(said.stdout))


def of_kind(overlay: str, *kinds: str) -> list[Manifest]:
    """Those of some kinds."""
    return [one for one in built(overlay) if one["kind"] in kinds]


def pods(overlay: str) -> Iterator[tuple[Manifest, Manifest]]:
    """Whatever starts pods, with the template of these."""
    for one in of_kind(overlay, *RUNNING, "Job"):
        yield one, one["spec"]["template"]


def name_of(manifest: Manifest) -> str:
    """As people name it: `Deployment/access-api`."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def chosen(selector: Manifest, labels: Manifest) -> bool:
    """Whether a label selector takes these labels."""
    said = selector.get("matchLabels", {})
    if any(labels.get(key) != value for key, value in said.items()):
        return False
    for one in selector.get("matchExpressions", []):
        within = labels.get(one["key"]) in one["values"]
        if within != {"In": True, "NotIn": False}[one["operator"]]:
            return False
    return True
