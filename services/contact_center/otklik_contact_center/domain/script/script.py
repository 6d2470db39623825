"""What a conversation must contain: a script, its items in order."""

from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from otklik_common.errors import FieldError, Unprocessable

MOST_SCRIPTS: Final = 200
MOST_ITEMS: Final = 60
MOST_NAME: Final = 200
MOST_TEXT: Final = 500
MOST_HINT: Final = 1_000

Said = Literal["done", "not_done"]


class OnlyIf(msgspec.Struct, frozen=True, kw_only=True):
    """An item is asked only if an earlier one was asked and answered so."""

    item: str
    answer: Said


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    Something that a conversation must, or should, contain.

    Attributes:
        code: Its own within the script, the same in each version that has it.
        texts: By language; what the agent reads, as are `hints`.
        compulsory: It counts; else it is advice, which is ticked and counted for nothing.
        not_applicable: Whether it may be left out of a checklist as one that did not apply.
    """

    code: str
    texts: dict[str, str] = {}
    hints: dict[str, str] = {}
    compulsory: bool = True
    not_applicable: bool = True
    only_if: OnlyIf | None = None


class Meant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """For which contacts a script is meant; None: whatever a contact has."""

    party: str | None = None
    direction: str | None = None
    channel: str | None = None
    queue: str | None = None


class Script(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What conversations of a kind must contain."""

    code: str
    names: dict[str, str] = {}
    meant: Meant = Meant()
    items: tuple[Item, ...] = ()

    @property
    def by_code(self) -> dict[str, Item]:
        """Items by code, in order."""
        return {one.code: one for one in self.items}


class BadScript(Unprocessable):
    """A script that cannot be ticked in one way only."""

    code = "bad_script"


def check_script(script: Script) -> None:
    """Return if checklists can be made of it. Raises BadScript, every fault as a field error."""
    faults = list(_faults(script))[:50]
    if faults:
        raise BadScript(
            f"the script has {len(faults)} faults, the first: {faults[0].field} {faults[0].detail}",
            detail_ru=f"в скрипте ошибок: {len(faults)}, первая: {faults[0].field}"
            f" {faults[0].detail_ru}",
            errors=faults,
        )


def _faults(script: Script) -> Iterator[FieldError]:
    every = script.by_code
    before: set[str] = set()
    for place, item in enumerate(script.items):
        field = f"items.{place}"
        if item.code in before:
            yield FieldError(f"{field}.code", "repeated", "another has this code", "код уже занят")
        if item.only_if is not None and item.only_if.item not in before:
            yield _condition(f"{field}.only_if.item", item, item.only_if.item, every)
        before.add(item.code)
    if not any(item.compulsory for item in script.items):
        yield FieldError(
            "items",
            "nothing_compulsory",
            "need at least one that is compulsory",
            "нужен хотя бы один обязательный пункт",
        )


def _condition(field: str, item: Item, named: str, every: dict[str, Item]) -> FieldError:
    if named == item.code:
        return FieldError(
            field, "names_itself", "names the item itself", "пункт ссылается на самого себя"
        )
    if named in every:
        return FieldError(
            field,
            "not_earlier",
            "names a later item: only earlier ones are answered by then",
            "ссылка на пункт ниже: условием может быть только пункт выше",
        )
    return FieldError(field, "unknown_item", "names no item", "такого пункта нет")
