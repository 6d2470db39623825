"""What feedback tells of reviews: stars and states, never words or names."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from otklik_common.events.envelope import Code, Fact, Instant
from otklik_common.events.feedback import OWNER
from otklik_common.events.registry import contract


class ReviewState(StrEnum):
    """Where a review stands."""

    OPEN = "open"
    REPLIED = "replied"
    REMOVED = "removed"
    """It is no longer at its source, replied to or not."""


@contract("review", version=1, owner=OWNER)
class Review(Fact):
    """
    What somebody wrote about us in public, as it stands at its source.

    `review_source` is the company's code of the site (`yandex_maps`, `2gis`, …). `stars` are 1 to 5,
    None where none were given. `received_at` is when we first heard of it; `replied_at` is when the
    first of our replies was published.
    """

    review_source: Code
    branch: Code | None = None
    agent: Code | None = None
    stars: Annotated[int, Field(ge=1, le=5)] | None = None
    has_text: bool = False
    state: ReviewState = ReviewState.OPEN
    written_at: Instant
    received_at: Instant
    replied_at: Instant | None = None
    removed_at: Instant | None = None
