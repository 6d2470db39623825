"""Links to surveys: whose each is, how often it may be answered, and until when."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from otklik_common.errors import NotFound

MOST_USES: Final = 10_000_000


class LinkKind(StrEnum):
    """Who may answer by a link, and how often."""

    ANONYMOUS = "anonymous"
    """Anybody, as often as it allows: on a receipt, a poster, a kiosk."""
    PERSONAL = "personal"
    """One person, whose answer may be given anew until the link ends."""
    SINGLE = "single"
    """One person, once: a complete answer stands."""


class LinkNotValid(NotFound):
    """It is wrong, has ended, was used or was withdrawn; which of them nobody is told."""

    code = "link_not_valid"


def not_valid() -> LinkNotValid:
    """One answer for all of them."""
    return LinkNotValid(
        "this link is not valid any more; ask for a new one",
        detail_ru="эта ссылка больше не действует; попросите новую",
    )


@dataclass(frozen=True, slots=True)
class Link:
    """
    A link as it is kept; its token is made of its id and kept nowhere.

    Attributes:
        survey: What it asks.
        expires_at: From then on it is of no use; None for one that stays.
        most: Answers that an anonymous one may bring; None elsewhere and for any number.
        identifiers: Whose it is, where it was made for somebody.
        used: Complete answers that it brought.
        withdrawn: Somebody has taken it back.
        test: What is answered by it is looked at and kept nowhere.
    """

    id: UUID
    kind: LinkKind
    survey: UUID
    language: str
    expires_at: datetime | None
    most: int | None = None
    used: int = 0
    withdrawn: bool = False
    test: bool = False
    programme: str | None = None
    invited: bool = False
    identifiers: tuple[str, ...] = ()
    branch: str | None = None
    touchpoint: str | None = None


def usable(link: Link | None, now: datetime) -> Link:
    """
    The link, if somebody may answer by it now.

    Raises:
        LinkNotValid: There is none, or not any more.
    """
    if link is None or link.withdrawn:
        raise not_valid()
    if link.expires_at is not None and now >= link.expires_at:
        raise not_valid()
    if link.kind is LinkKind.ANONYMOUS and link.most is not None and link.used >= link.most:
        raise not_valid()
    return link
