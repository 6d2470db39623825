"""Reviews as they come in and go out."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, field_validator, model_validator

from otklik_common.events.reviews import ReviewState
from otklik_common.http import AwareTime, StrictModel, bad_value
from otklik_common.validation import check_time
from otklik_feedback.actions.reviews import Shown, review_id
from otklik_feedback.actions.reviews_work import NewReply
from otklik_feedback.api.clock_schemas import FeedbackClockOut, shown_clocks
from otklik_feedback.api.context import Code, Reference
from otklik_feedback.domain.happened import check_happened
from otklik_feedback.domain.review import MOST_REPLY, MOST_TEXT, NewReview
from otklik_feedback.store.reviews import Listed

SourceCode = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")]
"""The company's code of a site with reviews."""


class ReviewBody(StrictModel):
    """A review as it stands at its source."""

    source: SourceCode = Field(
        description="the company's code of the site", examples=["yandex_maps", "2gis", "own_site"]
    )
    id: Reference = Field(description="its id at the source")
    written_at: AwareTime
    stars: int | None = Field(default=None, ge=1, le=5)
    text: str | None = Field(default=None, max_length=MOST_TEXT, description="as it was written")
    author: str | None = Field(default=None, max_length=200, description="never leaves with facts")
    branch: Code | None = Field(default=None, description="left out: no branch's")
    agent: Code | None = Field(default=None, description="whom it is about")
    url: str | None = Field(default=None, max_length=2_000, pattern=r"^https?://")

    @field_validator("text", "author")
    @classmethod
    def _blank_is_none(cls, value: str | None) -> str | None:
        return value.strip() or None if value else None

    def new(self, tenant: str, now: datetime) -> NewReview:
        """The same for the action. Raises TimeInFuture, TimeTooOld."""
        check_happened(self.written_at, now)
        check_time(self.written_at, now)
        return NewReview(
            id=review_id(tenant, self.source, self.id),
            source=self.source,
            reference=self.id,
            written_at=self.written_at,
            stars=self.stars,
            text=self.text,
            author=self.author,
            branch=self.branch,
            agent=self.agent,
            url=self.url,
        )


class ReplyBody(StrictModel):
    """A reply to a review."""

    text: str | None = Field(
        default=None, max_length=MOST_REPLY, description="may be left out of what stands elsewhere"
    )
    published: bool = Field(default=False, description="false: a draft")
    elsewhere: bool = Field(
        default=False, description="it was published at the source without us; then it is published"
    )
    at: AwareTime | None = Field(default=None, description="when it was published; left out: now")

    @model_validator(mode="after")
    def _says_something(self) -> "ReplyBody":
        if not self.elsewhere and not (self.text or "").strip():
            raise bad_value("blank", "a reply has a text", "у ответа есть текст")
        if self.at is not None and not (self.published or self.elsewhere):
            raise bad_value(
                "draft_with_time",
                "a draft has no time of publishing",
                "у черновика нет времени публикации",
            )
        return self

    def new(self, now: datetime) -> NewReply:
        """The same for the action."""
        published = self.published or self.elsewhere
        text = (self.text or "").strip() or None
        return NewReply(text, (self.at or now) if published else None, self.elsewhere)


class PublishBody(StrictModel):
    """When a draft was published."""

    at: AwareTime | None = Field(default=None, description="left out: now")


class AssignBody(StrictModel):
    """Whose work a review is."""

    assignee: Code | None = Field(description="code of a person; null: nobody's")


class ReviewOut(BaseModel):
    """A review without its words."""

    id: UUID = Field(description="its subject in facts and metrics")
    source: str
    reference: str = Field(description="its id at the source")
    state: ReviewState
    stars: int | None
    has_text: bool
    branch: str | None
    agent: str | None
    assignee: str | None
    written_at: datetime
    received_at: datetime
    due_at: datetime | None = Field(
        description="by when a reply is promised; null: nothing is promised, or it was given"
    )
    overdue: bool
    replied_at: datetime | None
    removed_at: datetime | None
    replies: int = Field(description="drafts among them")
    revision: int

    @classmethod
    def of(cls, listed: Listed, now: datetime) -> "ReviewOut":
        """What the caller sees of a review."""
        return cls.model_validate(shown_review(listed, now))


def shown_review(listed: Listed, now: datetime) -> dict[str, object]:
    """Fields of a review, for either model."""
    review, due_at = listed.review, listed.due_at
    names = ReviewOut.model_fields.keys() - {"due_at", "overdue"}
    return {
        **{name: getattr(review, name) for name in names},
        "due_at": due_at,
        "overdue": due_at is not None and due_at < now,
    }


class ReviewVersionOut(BaseModel):
    """A body of a review that a later one has taken the place of."""

    revision: int
    sender: str
    written_at: datetime
    recorded_at: datetime
    stars: int | None
    text: str | None


class ReplyOut(BaseModel):
    """A reply; `published_at` is null while it is a draft."""

    number: int
    text: str | None
    elsewhere: bool
    drafted_at: datetime
    drafted_by: str
    published_at: datetime | None
    published_by: str | None


class ReviewStepOut(BaseModel):
    """Something that was done about a review."""

    step: str
    at: datetime
    recorded_at: datetime
    actor: str
    assignee: str | None
    reason: str | None
    note: str | None


class ReviewDetail(ReviewOut):
    """A review with its words and all that was done about it."""

    text: str | None
    author: str | None
    url: str | None
    versions: list[ReviewVersionOut] = Field(description="bodies before, the oldest first")
    answers: list[ReplyOut] = Field(description="our replies, drafts among them")
    history: list[ReviewStepOut]
    alike: list[UUID] = Field(
        description="other reviews in the same words, written within a day: perhaps the same one"
    )
    clocks: list[FeedbackClockOut] = Field(
        description="which policy promised a reply, and whether it was in time; empty: none did"
    )
    case: UUID | None = Field(description="the newest case that it opened; null: it opened none")

    @classmethod
    def shown(cls, shown: Shown, now: datetime) -> "ReviewDetail":
        """What the caller sees of a review with all that is known of it."""
        return cls.model_validate(
            {
                **shown_review(shown.listed, now),
                "text": shown.words.text,
                "author": shown.words.author,
                "url": shown.words.url,
                "versions": [_with(one, text=text) for one, text in shown.versions],
                "answers": [_with(one, text=text) for one, text in shown.replies],
                "history": [_with(one, note=note) for one, note in shown.steps],
                "alike": shown.alike,
                "clocks": shown_clocks(shown.clocks),
                "case": shown.case,
            }
        )


def _with(one: object, **more: str | None) -> dict[str, object]:
    names = getattr(one, "__dataclass_fields__")  # noqa: B009 - a dataclass of several kinds
    return {**{name: getattr(one, name) for name in names}, **more}
