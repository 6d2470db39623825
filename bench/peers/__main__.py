"""
Makes the peers that `bench.peers` measures Otklik against.

    python -m bench.peers setup [--work DIR]

A Go server, a node server, a Kafka Streams application, and an environment with bytewax,
quixstreams and confluent-kafka, all of pinned versions, go into one folder outside the project.
What is there already and up to date is left alone.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.peers.places import REQUIREMENTS, SOURCES, add_work
from tests.support.kafka import fetch_jars

NEEDED = {
    "go": "Go 1.26 or newer (https://go.dev/dl)",
    "node": "node 20 or newer (Debian: nodejs)",
    "npm": "npm (Debian: npm)",
    "java": "Java 17 or newer (Debian: openjdk-17-jdk-headless)",
    "javac": "the Java 17 compiler (Debian: openjdk-17-jdk-headless)",
    "mvn": "Maven (Debian: maven)",
    "wrk": "wrk (Debian: wrk)",
}
UV = Path(sys.prefix) / "uv" / "bin" / "uv"
STAMP = ".made-from"


def missing() -> list[str]:
    """What has to be installed first, a line each."""
    lines = [text for program, text in NEEDED.items() if shutil.which(program) is None]
    if not UV.exists():
        lines.append("uv in the project's environment (make dev)")
    return lines


def make_go(folder: Path) -> None:
    """The server as one program."""
    _copy(SOURCES / "go", folder)
    _call("go", "build", "-o", "peer", ".", within=folder)


def make_node(folder: Path) -> None:
    """The server and its modules. No lock file: package.json names exact versions."""
    _copy(SOURCES / "node", folder)
    _call(
        "npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent", within=folder
    )


def make_streams(folder: Path) -> None:
    """The application's classes, and its jars beside them."""
    _copy(SOURCES / "streams", folder)
    _call("mvn", "-q", "-B", "compile", "dependency:copy-dependencies", within=folder)


def make_python(folder: Path) -> None:
    """An environment of its own: these packages want other versions than Otklik."""
    _call(str(UV), "venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
    python = str(folder / "bin" / "python")
    wanted = ["--quiet", "--require-hashes", str(REQUIREMENTS)]
    _call(str(UV), "pip", "sync", "--python", python, *wanted)


MADE: dict[str, tuple[Callable[[Path], None], Path]] = {
    "go": (make_go, SOURCES / "go"),
    "node": (make_node, SOURCES / "node"),
    "streams": (make_streams, SOURCES / "streams"),
    "python": (make_python, REQUIREMENTS),
}
"""Peer → how it is made, and what it is made from."""


def set_up(work: Path) -> None:
    """Make what is missing or was made from other sources."""
    for name, (make, source) in MADE.items():
        folder, stamp = work / name, _digest(source)
        noted = folder / STAMP
        if noted.exists() and noted.read_text() == stamp:
            continue
        print(f"making {folder}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(folder)
        noted.write_text(stamp)
    fetch_jars()
    print(f"the peers are in {work}")


def _digest(source: Path) -> str:
    found = hashlib.sha256()
    for path in _files(source):
        found.update(f"{path.name}\0".encode() + path.read_bytes())
    return found.hexdigest()


def _files(source: Path) -> Iterator[Path]:
    yield from sorted(path for path in source.rglob("*") if path.is_file()) or [source]


def _copy(source: Path, folder: Path) -> None:
    shutil.copytree(source, folder, dirs_exist_ok=True)


def _call(*command: str, within: Path | None = None) -> None:
    subprocess.run(command, cwd=within, check=True)


def main() -> None:
    """Make the peers, or say what stands in the way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["setup"])
    add_work(parser)
    given = parser.parse_args()
    lines = missing()
    if lines:
        raise SystemExit("The peers also need:\n" + "\n".join(f"  {line}" for line in lines))
    set_up(given.work.resolve())


if __name__ == "__main__":
    main()
