"""Forms of evaluations as routes read and write them."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

import msgspec
from pydantic import Field, StringConstraints

from otklik_common.http import StrictModel
from otklik_contact_center.api.schemas import Code
from otklik_contact_center.domain.quality import form as f
from otklik_contact_center.store.versioned import Kept

Text = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
Texts = Annotated[
    dict[Literal["en", "ru"], Text],
    Field(description="by language", examples=[{"ru": "Назвался?"}]),
]
Weight = Annotated[int, Field(ge=0, le=f.MOST_WEIGHT)]
Points = Annotated[int, Field(ge=0, le=f.MOST_POINTS)]


class QuestionBody(StrictModel):
    """A question of a form."""

    code: Code = Field(description="its own within the form: answers name it")
    texts: Texts = Field(default_factory=dict)
    kind: f.Kind = Field(default="yes_no", description="by yes and no, or by points of a scale")
    points: Annotated[tuple[Points, ...], Field(max_length=f.MOST_STEPS)] = Field(
        default=(), description="of a scale: what may be given, ascending; the last is worth all"
    )
    good: Literal["yes", "no"] = Field(
        default="yes", description="of yes and no: which is the good answer"
    )
    weight: Weight = Field(default=1, description="in its section; 0: counted for nothing")
    not_applicable: bool = Field(default=True, description="whether `na` may be answered")
    fails_at: Points | None = Field(
        default=None,
        description="with so many points or fewer the whole evaluation is 0; a bad answer by yes and"
        " no has 0 points, a good one 1",
    )


class SectionBody(StrictModel):
    """A section of a form."""

    code: Code
    texts: Texts = Field(default_factory=dict)
    weight: Weight = Field(default=1, description="among sections")
    questions: Annotated[tuple[QuestionBody, ...], Field(min_length=1, max_length=f.MOST_QUESTIONS)]


class FormBody(StrictModel):
    """A form to be."""

    names: Texts = Field(default_factory=dict)
    sections: Annotated[tuple[SectionBody, ...], Field(min_length=1, max_length=f.MOST_SECTIONS)]

    def form(self, code: str) -> f.Form:
        """As it is kept."""
        return msgspec.convert({"code": code, **self.model_dump()}, f.Form)


class FormOut(FormBody):
    """A version of a form."""

    code: str
    version: int
    latest: int = Field(description="the version that holds now")
    retired: bool = Field(description="nothing is evaluated by it any more")
    made_at: datetime

    @classmethod
    def of(cls, kept: Kept[f.Form]) -> Self:
        """The answer for one."""
        sections = tuple(_section(one) for one in kept.value.sections)
        said: dict[str, Any] = {
            "code": kept.value.code,
            "names": kept.value.names,
            "sections": sections,
        }
        more = {name: getattr(kept, name) for name in ("version", "latest", "retired", "made_at")}
        return cls(**said, **more)


def _section(section: f.Section) -> SectionBody:
    questions = tuple(QuestionBody(**_fields(one)) for one in section.questions)
    return SectionBody(**{**_fields(section), "questions": questions})


def _fields(one: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__struct_fields__}
