"""Reviews and claims: how we are rated in public, and how soon demands are worked off."""

from typing import Final

from otklik_metrics.domain.catalogue.words import OWN, Metric, Params, Shape, one
from otklik_metrics.domain.dimensions import Text
from otklik_metrics.domain.indicators.cells import NO_DATA, Cell, Values, count, share
from otklik_metrics.domain.intervals import mean_of_scale
from otklik_metrics.domain.readings import Reading, Sum, Tally, pick

REVIEW, WRITTEN = "review", "written_at"
CLAIM, RECEIVED = "claim", "received_at"
STARS: Final = (1, 5)


def _reviews(*names: str) -> Reading:
    return Tally(REVIEW, WRITTEN, {name: Sum(name) for name in names})


def _rating(values: Values, _: Params) -> Cell:
    n, stars = values["rated"], values["stars"]
    left_out = values["reviews"] - n
    excluded = {"without_stars": left_out} if left_out else {}
    if n <= 0:
        return Cell(None, stars, n, 0, excluded=excluded, reason=NO_DATA)
    interval = mean_of_scale(n, stars, values["stars_squared"], *STARS)
    return Cell(stars / n, stars, n, n, interval, excluded)


def _read_claims(_: Params) -> Reading:
    return Tally(
        CLAIM,
        RECEIVED,
        {name: Sum(name) for name in ("claims", "worked_off", "worked_off_24h")},
        now={"waits_24h": Sum("waits_24h")},
    )


def _in_a_day(values: Values, _: Params) -> Cell:
    judged = values["worked_off"] + values["waits_24h"]
    return share(values["worked_off_24h"], judged, not_due_yet=values["claims"] - judged)


METRICS: Final = (
    Metric(
        name="review_count",
        title=Text("reviews", "отзывов"),
        shape=Shape.COUNT,
        unit="reviews",
        kind=REVIEW,
        time_column=WRITTEN,
        formula=one(
            Text(
                "reviews that stand at their source, by when they were written",
                "отзывы, не удалённые на площадке, по времени написания",
            )
        ),
        source=OWN,
        read=lambda _: _reviews("reviews"),
        work_out=lambda values, _: count(values["reviews"]),
        base=lambda _: pick("reviews"),
    ),
    Metric(
        name="review_rating",
        title=Text("rating in reviews", "оценка в отзывах"),
        shape=Shape.MEAN,
        unit="stars",
        kind=REVIEW,
        time_column=WRITTEN,
        formula=one(
            Text(
                "sum of stars, 1 to 5 / reviews with stars that stand at their source",
                "сумма звёзд от 1 до 5 / отзывы со звёздами, не удалённые на площадке",
            )
        ),
        numerator=Text("sum of stars", "сумма звёзд"),
        denominator=Text("reviews with stars", "отзывы со звёздами"),
        source=OWN,
        read=lambda _: _reviews("reviews", "rated", "stars", "stars_squared"),
        work_out=_rating,
        base=lambda _: pick("rated"),
        unlisted=lambda _: Text(
            "a sum of stars is no set of facts", "сумма звёзд – не набор фактов"
        ),
        interval="adjusted_wald",
    ),
    Metric(
        name="review_reply_rate",
        title=Text("reviews replied to", "доля отзывов с ответом"),
        shape=Shape.SHARE,
        unit="share",
        kind=REVIEW,
        time_column=WRITTEN,
        formula=one(
            Text(
                "reviews with a published reply / reviews that stand at their source, however new",
                "отзывы с опубликованным ответом / не удалённые отзывы, в том числе самые новые",
            )
        ),
        numerator=Text("reviews with a published reply", "отзывы с опубликованным ответом"),
        denominator=Text("reviews", "отзывы"),
        source=OWN,
        read=lambda _: _reviews("reviews", "replied"),
        work_out=lambda values, _: share(values["replied"], values["reviews"]),
        base=lambda _: pick("reviews"),
        above=lambda _: pick("replied"),
        interval="wilson",
    ),
    Metric(
        name="claims",
        title=Text("claims", "претензий"),
        shape=Shape.COUNT,
        unit="claims",
        kind=CLAIM,
        time_column=RECEIVED,
        formula=one(Text("claims by when they were received", "претензии по времени получения")),
        source=OWN,
        read=lambda _: Tally(CLAIM, RECEIVED, {"claims": Sum("claims")}),
        work_out=lambda values, _: count(values["claims"]),
        base=lambda _: pick("claims"),
    ),
    Metric(
        name="claims_worked_off_in_24h",
        title=Text("claims worked off within 24 hours", "претензии отработаны за 24 часа"),
        shape=Shape.SHARE,
        unit="share",
        kind=CLAIM,
        time_column=RECEIVED,
        formula=one(
            Text(
                "worked off no more than 24 elapsed hours after they were received, and not reopened "
                "since / worked off, or received more than 24 hours ago; whatever policies promise",
                "отработаны не позже чем через 24 часа после получения и не открыты снова / "
                "отработанные и полученные более 24 часов назад; правила обслуживания не важны",
            )
        ),
        numerator=Text("worked off within 24 hours", "отработаны за 24 часа"),
        denominator=Text(
            "worked off, or received more than 24 hours ago",
            "отработанные или полученные более 24 часов назад",
        ),
        source=OWN,
        read=_read_claims,
        work_out=_in_a_day,
        base=lambda _: pick("worked_off", "waits_24h"),
        above=lambda _: pick("worked_off_24h"),
        interval="wilson",
    ),
)
