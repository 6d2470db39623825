"""What the writers sent and what they were answered, in a file that outlives them."""

import os
import threading
from pathlib import Path
from typing import Final, Literal

import msgspec

from tests.crash.stories import Event

Outcome = Literal["acknowledged", "refused", "unknown"]
"""
What a writer knows of its push: it is kept; it is not, since it was refused or never left; or it
may be, since the answer was lost or was that of a server in trouble.
"""

SYNC_SECONDS: Final = 0.05


class Sent(msgspec.Struct, frozen=True, tag="sent"):
    """A push on its way."""

    push: int
    at: float
    events: tuple[Event, ...]


class Answered(msgspec.Struct, frozen=True, tag="answered"):
    """What became of it, as far as its writer knows."""

    push: int
    at: float
    outcome: Outcome
    why: str = ""


class Push(msgspec.Struct, frozen=True):
    """A push with its answer; one without any is unknown."""

    events: tuple[Event, ...]
    outcome: Outcome = "unknown"


class Journal:
    """Appends lines; each is on disk, by fsync, a twentieth of a second later at the latest."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._encoder = msgspec.json.Encoder()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._sync, name="journal")
        self._thread.start()

    def note(self, line: Sent | Answered) -> None:
        """Append a line."""
        os.write(self._file, self._encoder.encode(line) + b"\n")

    def close(self) -> None:
        """All lines are on disk afterwards."""
        self._closing.set()
        self._thread.join()
        os.close(self._file)

    def _sync(self) -> None:
        while not self._closing.wait(SYNC_SECONDS):
            os.fsync(self._file)
        os.fsync(self._file)


def read(path: Path) -> list[Push]:
    """The pushes of a journal, in the order in which they were sent."""
    decoder = msgspec.json.Decoder(Sent | Answered)
    events: dict[int, tuple[Event, ...]] = {}
    outcomes: dict[int, Outcome] = {}
    for line in path.read_bytes().splitlines():
        said = decoder.decode(line)
        if isinstance(said, Sent):
            events[said.push] = said.events
        else:
            outcomes[said.push] = said.outcome
    return [Push(events[push], outcomes.get(push, "unknown")) for push in events]
