"""Reviews: what was written about us in public, and what is done about it."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson

from otklik_common.clocks.policies import REVIEW
from otklik_common.errors import Conflict, Unprocessable
from otklik_common.events.reviews import ReviewState
from otklik_feedback.domain.case import Case
from otklik_feedback.domain.clock import Watch, Watched

MOST_TEXT: Final = 10_000
MOST_REPLY: Final = 10_000
MOST_REPLIES: Final = 50

UNHAPPY_STARS: Final = 2
"""The most stars that open a case."""

CASE_DUE: Final = timedelta(hours=48)
"""How long after its opening a case of a review may last."""

LATE: Final = timedelta(hours=24)
"""A review that we hear of later than so long after it was written is judged from then on."""

ARCHIVE: Final = timedelta(days=30)
"""Nobody owes a reply to what was written so long before we heard of it."""

LEAST_ALIKE: Final = 20
"""Letters and digits; shorter texts are alike by chance."""

SAME_DAY: Final = timedelta(days=1)
"""How far apart two reviews in the same words may be written to be pointed out."""


class ReviewRemoved(Conflict):
    """It is no longer at its source: nothing more is done about it."""

    code = "review_removed"


class AlreadyPublished(Conflict):
    """A reply is published once."""

    code = "reply_published"


class UnknownReply(Unprocessable):
    """The review has no reply of that number."""

    code = "unknown_reply"


class TooManyReplies(Conflict):
    """More replies than one review takes."""

    code = "too_many_replies"


class ReplyTooEarly(Unprocessable):
    """Nobody replies before there is a review."""

    code = "reply_before_review"


class EmptyReview(Unprocessable):
    """Neither stars nor a text."""

    code = "empty_review"


@dataclass(frozen=True, slots=True)
class NewReview:
    """
    A review as it was sent.

    Attributes:
        source: The company's code of the site; with `reference` it names the review.
        stars: 1 to 5.
        url: Where it stands.
    """

    id: UUID
    source: str
    reference: str
    written_at: datetime
    stars: int | None = None
    text: str | None = None
    author: str | None = None
    branch: str | None = None
    agent: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """
    A review as it is kept, its words apart.

    Attributes:
        alike: Keyed digest of its text, however it is punctuated; None where that says nothing.
        digest: Keyed, of the body as it was meant.
        replies: How many replies there are, drafts among them.
        body_revision, body_at: Of the revision that brought the present body.
    """

    id: UUID
    source: str
    reference: str
    digest: bytes
    sender: str
    written_at: datetime
    received_at: datetime
    stars: int | None = None
    has_text: bool = False
    alike: bytes | None = None
    branch: str | None = None
    agent: str | None = None
    assignee: str | None = None
    replies: int = 0
    replied_at: datetime | None = None
    removed_at: datetime | None = None
    revision: int = 0
    recorded_at: datetime | None = None
    body_revision: int = 0
    body_at: datetime | None = None

    @property
    def state(self) -> ReviewState:
        """Where it stands."""
        if self.removed_at is not None:
            return ReviewState.REMOVED
        return ReviewState.OPEN if self.replied_at is None else ReviewState.REPLIED


@dataclass(frozen=True, slots=True)
class Reply:
    """
    What we answer to a review.

    Attributes:
        number: From 1 upwards.
        elsewhere: It was published at the source without us.
        published_at: None while it is a draft.
    """

    number: int
    drafted_at: datetime
    drafted_by: str
    elsewhere: bool = False
    published_at: datetime | None = None
    published_by: str | None = None


def digest_of(key: bytes, new: NewReview) -> bytes:
    """Digest of a review as it was sent: what is blank is absent."""
    meant = [new.stars, new.text, new.author, new.branch, new.agent, new.url]
    return _keyed(key, [new.written_at.timestamp(), *(value or None for value in meant)])


def alike_of(key: bytes, text: str | None) -> bytes | None:
    """Digest of the words of a text; None where they are too few to tell."""
    if text is None:
        return None
    plain = unicodedata.normalize("NFKC", text).casefold().replace("ё", "е")
    words = _NOT_WORDS.sub(" ", plain).split()
    if sum(map(len, words)) < LEAST_ALIKE:
        return None
    return _keyed(key, words)


_NOT_WORDS: Final = re.compile(r"[\W_]+")


def _keyed(key: bytes, parts: Sequence[Any]) -> bytes:
    return hashlib.blake2b(orjson.dumps(parts), key=key, digest_size=16).digest()


def accept(
    new: NewReview, before: Review | None, *, key: bytes, sender: str, now: datetime
) -> Review | None:
    """
    The review after a body came in; None where it says nothing new.

    An edit at its source is a revision: what we did about the review stays as it is.

    Raises:
        EmptyReview: It has neither stars nor a text.
    """
    if new.stars is None and new.text is None:
        raise EmptyReview(
            "a review has stars, a text or both",
            detail_ru="у отзыва есть звёзды, текст или и то и то",
        )
    digest = digest_of(key, new)
    if before is not None and before.digest == digest:
        return None
    made = Review(
        id=new.id,
        source=new.source,
        reference=new.reference,
        digest=digest,
        sender=sender,
        written_at=new.written_at,
        received_at=now,
        stars=new.stars,
        has_text=new.text is not None,
        alike=alike_of(key, new.text),
        branch=new.branch,
        agent=new.agent,
    )
    if before is None:
        return made
    return replace(
        made,
        received_at=before.received_at,
        assignee=before.assignee,
        replies=before.replies,
        replied_at=before.replied_at,
        removed_at=before.removed_at,
        revision=before.revision,
        recorded_at=before.recorded_at,
    )


def opens_case(before: Review | None, after: Review) -> bool:
    """
    Whether this revision opens a case: only the step from "not unhappy" to unhappy does.

    What is gone from its source opens none, nor does an archive: a first load of history is no
    day's work.
    """
    if after.removed_at is not None or delay_of(after) > ARCHIVE:
        return False
    return _is_unhappy(after) and (before is None or not _is_unhappy(before))


def _is_unhappy(review: Review) -> bool:
    return review.stars is not None and review.stars <= UNHAPPY_STARS


def case_of(id_: UUID, review: Review, at: datetime) -> Case:
    """A new case of a review; there is one open for each review, whoever wrote it."""
    placed = {"branch": review.branch, "agent": review.agent}
    return Case(
        id=id_,
        answer=None,
        contact=None,
        review=review.id,
        reason="review",
        person=f"review/{review.id}",
        opened_at=at,
        due_at=at + CASE_DUE,
        dimensions={name: value for name, value in placed.items() if value is not None},
        steps=1,
    )


def replied(review: Review, number: int, at: datetime) -> Review:
    """
    The review after a reply was published; the first one counts.

    Raises:
        ReviewRemoved, ReplyTooEarly.
    """
    check_standing(review)
    if at < review.written_at:
        raise ReplyTooEarly(
            f"{at.isoformat()} is before the review of {review.written_at.isoformat()}",
            detail_ru=f"{at.isoformat()} раньше отзыва от {review.written_at.isoformat()}",
        )
    first = at if review.replied_at is None else min(at, review.replied_at)
    return replace(review, replied_at=first, replies=max(review.replies, number))


def drafted(review: Review) -> Review:
    """
    The review with one more reply that is not published.

    Raises:
        ReviewRemoved, TooManyReplies.
    """
    check_standing(review)
    if review.replies >= MOST_REPLIES:
        raise TooManyReplies(
            f"a review takes {MOST_REPLIES} replies",
            detail_ru=f"у отзыва не больше {MOST_REPLIES} ответов",
        )
    return replace(review, replies=review.replies + 1)


def removed(review: Review, at: datetime) -> Review:
    """The review after it vanished from its source. Raises ReviewRemoved."""
    check_standing(review)
    return replace(review, removed_at=max(at, review.written_at))


def check_standing(review: Review) -> None:
    """Raises ReviewRemoved."""
    if review.removed_at is not None:
        raise ReviewRemoved(
            "the review is no longer at its source", detail_ru="отзыв удалён на площадке"
        )


def delay_of(review: Review) -> timedelta:
    """How long after it was written we heard of it."""
    return review.received_at - review.written_at


def waits_since(review: Review) -> datetime:
    """From when somebody of ours could do something about it, fairly judged."""
    return review.received_at if delay_of(review) > LATE else review.written_at


def watched_of(review: Review) -> Watched:
    """
    What clocks of a review are made of.

    The reply is waited for from when the review was written. Of a review that we heard of more
    than a day later it is waited for from then on: nobody can reply to what they do not know. A
    reply that was given before then cancels the waiting: it neither kept a promise nor broke one. To
    an archive nobody owes a reply.
    """
    watches: tuple[Watch, ...] = ()
    if delay_of(review) <= ARCHIVE:
        started_at = waits_since(review)
        ended_at = review.replied_at or review.removed_at
        kept = review.replied_at is not None and review.replied_at >= started_at
        watches = (
            Watch(
                "review_reply",
                started_at,
                None if ended_at is None else max(started_at, ended_at),
                cancelled=ended_at is not None and not kept,
            ),
        )
    return Watched(
        matter=review.id, about=REVIEW, watches=watches, branch=review.branch, agent=review.agent
    )
