"""Where the peers are kept once they are made, and what is missing where they are not."""

import argparse
import os
from pathlib import Path

VARIABLE = "OTKLIK_BENCH_WORK"
SOURCES = Path(__file__).parent
REQUIREMENTS = SOURCES.parents[1] / "requirements" / "peers.txt"


def default_work() -> Path:
    """The folder of built peers where nobody names another: in the user's cache."""
    named = os.environ.get(VARIABLE)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(named) if named else Path(cache) / "otklik-bench"


def add_work(parser: argparse.ArgumentParser) -> None:
    """Let a command be told where the peers are."""
    parser.add_argument(
        "--work", type=Path, default=default_work(), help=f"folder of built peers (${VARIABLE})"
    )


class NotMadeError(SystemExit):
    """A peer is missing; exits with a line that says what to do."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is missing: run `python -m bench.peers setup` first")


class Peers:
    """The built peers in one folder."""

    def __init__(self, work: Path) -> None:
        self.work = work.resolve()

    @property
    def go(self) -> Path:
        """The Go server."""
        return self._made(self.work / "go" / "peer")

    @property
    def node(self) -> Path:
        """The node server's folder, its modules beside it."""
        self._made(self.work / "node" / "node_modules")
        return self.work / "node"

    @property
    def python(self) -> Path:
        """The interpreter that has bytewax, quixstreams and confluent-kafka."""
        return self._made(self.work / "python" / "bin" / "python")

    @property
    def streams(self) -> str:
        """The classpath of the Kafka Streams application."""
        self._made(self.work / "streams" / "classes")
        return f"{self.work}/streams/classes:{self.work}/streams/lib/*"

    @staticmethod
    def _made(path: Path) -> Path:
        if not path.exists():
            raise NotMadeError(path)
        return path
