"""Scripts as routes read and write them."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

import msgspec
from pydantic import Field, StringConstraints

from otklik_common.events.contact_center import ChannelName, Direction
from otklik_common.http import StrictModel
from otklik_contact_center.api.schemas import Code
from otklik_contact_center.domain.script import script as s
from otklik_contact_center.store.versioned import Kept

Language = Literal["en", "ru"]
Name = Annotated[str, StringConstraints(min_length=1, max_length=s.MOST_NAME)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=s.MOST_TEXT)]
Hint = Annotated[str, StringConstraints(min_length=1, max_length=s.MOST_HINT)]
Names = Annotated[dict[Language, Name], Field(description="by language")]
Texts = Annotated[
    dict[Language, Text],
    Field(description="by language; what the agent reads", examples=[{"ru": "Назвал себя"}]),
]
ItemCode = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$"),
    Field(description="small letters, digits and _; at most 64", examples=["next_step"]),
]


class OnlyIfBody(StrictModel):
    """A condition: an earlier item was asked and answered so."""

    item: ItemCode = Field(description="an item above this one")
    answer: s.Said


class ItemBody(StrictModel):
    """Something that a conversation must, or should, contain."""

    code: ItemCode = Field(
        description="its own within the script, and the same in each version: answers name it"
    )
    texts: Texts = Field(default_factory=dict)
    hints: Annotated[dict[Language, Hint], Field(description="by language")] = Field(
        default_factory=dict
    )
    compulsory: bool = Field(default=True, description="it counts; false: advice, counted nowhere")
    not_applicable: bool = Field(
        default=True, description="whether not_applicable may be answered; it leaves both parts"
    )
    only_if: OnlyIfBody | None = Field(
        default=None, description="asked only then; else it is neither done nor missed"
    )


class MeantBody(StrictModel):
    """For which contacts a script is meant; what is left out is open."""

    party: Code | None = Field(default=None, examples=["buyer"])
    direction: Direction | None = None
    channel: ChannelName | None = None
    queue: Code | None = None


class ScriptBody(StrictModel):
    """A script to be."""

    code: Code | None = Field(
        default=None, description="that of the path, if said at all: presets say it"
    )
    names: Names = Field(default_factory=dict)
    meant: MeantBody = Field(
        default_factory=MeantBody,
        description="for which contacts; of several that fit the one with most conditions holds, "
        "the first by code among equals",
    )
    items: Annotated[tuple[ItemBody, ...], Field(min_length=1, max_length=s.MOST_ITEMS)]

    def script(self, code: str) -> s.Script:
        """As it is kept. Raises BadScript if it says that it is another."""
        if self.code not in (None, code):
            raise s.BadScript(
                f"the body is of script {self.code}, the path of {code}",
                detail_ru=f"в теле скрипт {self.code}, а в адресе {code}",
            )
        return msgspec.convert({**self.model_dump(mode="json"), "code": code}, s.Script)

    @classmethod
    def said(cls, script: s.Script) -> dict[str, Any]:
        """The fields of the body out of a script."""
        return {
            "names": script.names,
            "meant": MeantBody(**msgspec.structs.asdict(script.meant)),
            "items": tuple(_item(one) for one in script.items),
        }


class ScriptOut(ScriptBody):
    """A version of a script."""

    code: str
    version: int
    latest: int = Field(description="the version that holds now")
    retired: bool = Field(description="no new checklist is made of it")
    made_at: datetime

    @classmethod
    def of(cls, kept: Kept[s.Script]) -> Self:
        """The answer for one."""
        more = {name: getattr(kept, name) for name in ("version", "latest", "retired", "made_at")}
        return cls(code=kept.value.code, **cls.said(kept.value), **more)


class PresetOut(ScriptBody):
    """A script to start from: what it says may be put as it is, or changed."""

    code: str

    @classmethod
    def of(cls, script: s.Script) -> Self:
        """The answer for one."""
        return cls(code=script.code, **cls.said(script))


class PresetsOut(StrictModel):
    """Scripts to start from."""

    items: list[PresetOut]


def _item(item: s.Item) -> ItemBody:
    said = msgspec.structs.asdict(item)
    only_if = item.only_if
    condition = None if only_if is None else OnlyIfBody(item=only_if.item, answer=only_if.answer)
    return ItemBody(**{**said, "only_if": condition})
