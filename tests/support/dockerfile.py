"""What a Dockerfile says, as far as ours goes: stages of instructions, nothing executed."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction with its continuation lines joined: `RUN`, `make all`."""

    verb: str
    text: str

    def words(self) -> list[str]:
        """Its parts: of the JSON form where it has that, else between blanks."""
        if self.text.startswith("["):
            words: list[str] = json.loads(self.text)
            return words
        return self.text.split()

    def assignments(self) -> dict[str, str]:
        """What an ENV sets."""
        return dict(word.split("=", 1) for word in self.words())


@dataclass(slots=True)
class Stage:
    """What follows a FROM."""

    base: str
    name: str | None
    instructions: list[Instruction] = field(default_factory=list)

    def last(self, verb: str) -> Instruction:
        """The instruction of its kind that counts."""
        return [one for one in self.instructions if one.verb == verb][-1]


def stages(path: Path) -> list[Stage]:
    """The stages of a Dockerfile, the image's own last."""
    found: list[Stage] = []
    for instruction in _instructions(path.read_text()):
        if instruction.verb == "FROM":
            base, *named = instruction.words()
            found.append(Stage(base, named[1] if named else None))
        else:
            found[-1].instructions.append(instruction)
    return found


def _instructions(text: str) -> Iterator[Instruction]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    for line in filter(None, map(str.strip, joined.splitlines())):
        verb, _, rest = line.partition(" ")
        yield Instruction(verb.upper(), rest.strip())
