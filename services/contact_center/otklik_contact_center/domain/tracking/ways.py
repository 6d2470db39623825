"""By which way a contact came: what it says itself, in the words of advertising."""

from collections.abc import Mapping
from typing import Final, NamedTuple

SOURCE: Final = ("source", "utm_source")
MEDIUM: Final = ("medium", "utm_medium")
"""Attributes of a contact that say it, those of tracked numbers first; both in small letters."""

MOST_CHARACTERS: Final = 100
"""Of a word: longer ones are cut, as a fact holds no more."""


class Way(NamedTuple):
    """
    By which somebody came, in the words of UTM; all None: nobody knows.

    Attributes:
        ad_source: Where the advertising stood.
        medium: Of which sort it was.
    """

    ad_source: str | None = None
    medium: str | None = None
    campaign: str | None = None

    @property
    def known(self) -> bool:
        """Whether anything is said of it."""
        return self != NO_WAY

    @property
    def direct(self) -> bool:
        """Whether they came of their own accord: nothing had brought them."""
        return self in (Way("direct", "none"), Way("direct"))


NO_WAY: Final = Way()


def way_of(attributes: Mapping[str, str], campaign: str | None) -> Way:
    """The way of a contact, by its attributes and its campaign; contacts of builds before may say more."""
    said = campaign[:MOST_CHARACTERS] if campaign else None
    return Way(_word(attributes, SOURCE), _word(attributes, MEDIUM), said)


def _word(attributes: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    said = (attributes.get(name, "").strip().lower()[:MOST_CHARACTERS] for name in names)
    return next((word for word in said if word), None)


def allowed_way(source: str, medium: str, campaign: str | None, allowed: frozenset[str]) -> Way:
    """The way of a visit, as far as a company lets it out."""
    said = {
        name: value for name, value in (("source", source), ("medium", medium)) if name in allowed
    }
    let_out = campaign is not None and "campaign" in allowed
    return way_of(said, campaign if let_out else None)
