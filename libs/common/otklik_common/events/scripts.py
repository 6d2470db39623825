"""What contact_center tells of scripts: how conversations kept them."""

from uuid import UUID

from pydantic import Field

from otklik_common.events.contact_center import OWNER, Channel, Direction
from otklik_common.events.envelope import Code, Fact, Instant
from otklik_common.events.registry import contract


@contract("script_run", version=1, owner=OWNER)
class ScriptRun(Fact):
    """
    What of one version of a script was done in a contact, as its checklist says.

    Whose contact it was is said as it was known when the checklist was last written. `asked`
    counts the compulsory items that were asked and applied, `done` those of them that were done,
    and `missed` names the others: what is not ticked was not done. `complete` is whether each of
    them was answered. `filled_at` is when it was first written. One of a contact that is no more
    is void.
    """

    contact: UUID
    source: UUID
    channel: Channel
    direction: Direction
    party: Code | None = None
    branch: Code | None = None
    team: Code | None = None
    queue: Code | None = None
    agent: Code
    script: Code
    script_version: int = Field(ge=1)
    asked: int = Field(ge=0)
    done: int = Field(ge=0)
    missed: tuple[Code, ...] = ()
    complete: bool = False
    filled_at: Instant
    corrected_at: Instant | None = None
    head_line: bool = False
