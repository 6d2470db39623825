"""Bodies of the touches of requests, and of what models of attribution give to them."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from otklik_common.money import decimal_text
from otklik_contact_center.actions.touches_shown import Split
from otklik_contact_center.domain.tracking.touches import (
    MICRO,
    Arrival,
    Model,
    Path,
    split,
    weights,
)


class TouchView(BaseModel):
    """Somebody came, by another way than the time before; in the words of UTM."""

    at: datetime
    ad_source: str | None
    medium: str | None
    campaign: str | None
    certainty: str = Field(
        description="how sure it is: certain, likely, static (a number that stands for one source),"
        " ambiguous (several may have called, all by this way), told (by the sender)"
    )
    visit: bool = Field(description="of a visit to a site; else of a contact")

    @classmethod
    def of(cls, one: Arrival) -> Self:
        """The answer for a touch."""
        said = one.way._asdict()
        return cls(at=one.at, certainty=one.certainty, visit=one.contact is None, **said)


class ModelView(BaseModel):
    """What a model gives to each touch, in their order; what it gives to none is nobody's."""

    model: Model
    shares_micro: list[int] = Field(description="millionths; all together 1,000,000, or none")
    amounts: list[str] | None = Field(
        description="of a deal with an amount: its parts, which add up to it"
    )
    unattributed: bool = Field(description="nobody knows what it is to be given to")


class SplitView(BaseModel):
    """A request, or a deal, shared out among the touches before it."""

    deal: str | None = Field(description="the id of the step; null: the request itself")
    at: datetime
    amount: str | None
    currency: str | None
    touches: list[TouchView]
    left_out: int = Field(description="touches besides, where there are more than 50")
    models: list[ModelView]

    @classmethod
    def of(cls, one: Split) -> Self:
        """The answer for something that was reached."""
        deal, path = one.deal, one.path
        minor = None if deal is None else deal.amount_minor
        currency = None if deal is None else deal.currency
        priced = None if minor is None or currency is None else (minor, currency)
        return cls(
            deal=None if deal is None else deal.id,
            at=one.at,
            amount=None if priced is None else decimal_text(*priced),
            currency=currency,
            touches=[TouchView.of(touch) for touch in path.touches],
            left_out=path.left_out,
            models=[_model(model, path, priced) for model in Model],
        )


def _model(model: Model, path: Path, priced: tuple[int, str] | None) -> ModelView:
    parts = weights(model, path)
    amounts = None
    if priced is not None:
        amounts = [decimal_text(part, priced[1]) for part in split(priced[0], parts)]
    return ModelView(
        model=model,
        shares_micro=split(MICRO, parts),
        amounts=amounts,
        unattributed=not any(parts),
    )
