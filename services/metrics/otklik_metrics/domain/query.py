"""A query, checked against the catalogue and its limits before anything is read."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from otklik_common.clocks.zones import find_zone
from otklik_common.ids import subject_id
from otklik_metrics.domain.catalogue import CATALOGUE, Metric, Parameter, ParameterType, near
from otklik_metrics.domain.catalogue.words import Params
from otklik_metrics.domain.company import Company
from otklik_metrics.domain.dimensions import (
    BRANCH_GROUP,
    DIMENSIONS,
    Dimension,
    Type,
    dimensions_of,
)
from otklik_metrics.domain.limits import MANY_CELLS, MOST_BUCKETS, MOST_METRICS, MOST_VALUES
from otklik_metrics.domain.readings import BUSINESS, Histories, Reading
from otklik_metrics.domain.refusals import (
    BadFilter,
    BadParameter,
    BadRange,
    ImpossibleDimension,
    NoCalendar,
    NoPastCalendar,
    NoPastGroups,
    QueryRefused,
    TooManyBuckets,
    UnknownDimension,
    UnknownMetric,
    UnknownTimezone,
)
from otklik_metrics.domain.zones import (
    FIRST_YEAR,
    LAST_YEAR,
    Buckets,
    Granularity,
    buckets,
    most_buckets,
)

CURRENCY = re.compile(r"^[A-Z]{3}$")
NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_]{0,63}$")


@dataclass(frozen=True, slots=True)
class Asked:
    """One asked metric: `name` is what rows call it."""

    metric: Metric
    params: Params
    name: str

    @property
    def reading(self) -> Reading:
        """What has to be read for it."""
        return self.metric.read(self.params)


@dataclass(frozen=True, slots=True)
class Filter:
    """Facts whose value is (or, negated, is not) among `values`; None is the missing value."""

    dimension: str
    values: frozenset[Any]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Top:
    """The `n` groups with the highest value of the metric called `by`; the rest as one row."""

    n: int
    by: str
    other: bool = True


def top_of(
    asked: Sequence[Asked], group_by: Sequence[str], n: int, by: str | None, *, other: bool
) -> Top:
    """
    Which groups are shown: ranked by the metric called `by`, or by the first one.

    Raises:
        QueryRefused: There are no groups, or no such metric.
    """
    if not group_by:
        raise QueryRefused(
            "top needs group_by: there are no groups to rank",
            detail_ru="для top нужен group_by: ранжировать нечего",
        )
    names = [one.name for one in asked]
    if by is not None and by not in names:
        raise QueryRefused(
            f"top by {by[:70]!r}: rows have {', '.join(names)}",
            detail_ru=f"top по {by[:70]!r}: в строках есть {', '.join(names)}",
        )
    return Top(n, by or names[0], other)


@dataclass(frozen=True, slots=True)
class Query:
    """A query that can be answered."""

    company: Company
    asked: tuple[Asked, ...]
    buckets: Buckets
    group_by: tuple[str, ...]
    filters: tuple[Filter, ...]
    compare: bool = False
    as_of: datetime | None = None
    top: Top | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The zone of its buckets and of the clock."""
        return self.buckets.zone

    @property
    def read_by(self) -> tuple[str, ...]:
        """The dimensions to read by: branches where their groups are asked for."""
        return tuple("branch" if name == BRANCH_GROUP else name for name in self.group_by)

    @property
    def is_heavy(self) -> bool:
        """Whether it may take much memory: people one by one, the past, or very many groups."""
        wide = len(self.buckets) * len(self.asked) > MANY_CELLS or len(self.group_by) > 2
        return (
            self.as_of is not None
            or (bool(self.group_by) and wide)
            or any(isinstance(one.reading, Histories) or one.reading.business for one in self.asked)
        )


def ask(
    company: Company, wanted: Sequence[tuple[str, str | None, Mapping[str, Any]]]
) -> tuple[Asked, ...]:
    """
    The metrics asked for, each with all its parameters.

    Args:
        wanted: Name, `as`, and the parameters that were sent.
    Raises:
        UnknownMetric, BadParameter, NoCalendar, QueryRefused: Two rows would have one name.
    """
    if not 1 <= len(wanted) <= MOST_METRICS:
        raise QueryRefused(
            f"{len(wanted)} metrics are asked for, 1 to {MOST_METRICS} may be",
            detail_ru=f"запрошено показателей: {len(wanted)}, можно от 1 до {MOST_METRICS}",
        )
    asked: list[Asked] = []
    for name, alias, sent in wanted:
        metric = CATALOGUE.get(name)
        if metric is None:
            raise UnknownMetric(name, near(name))
        params = _parameters(metric, sent, company)
        asked.append(Asked(metric, params, _row_name(alias, name)))
    names = [one.name for one in asked]
    twice = sorted({name for name in names if names.count(name) > 1 or name in _RESERVED})
    if twice:
        raise QueryRefused(
            f"rows cannot name {twice[0]!r} twice: give each an `as` of its own",
            detail_ru=f"в строках уже есть {twice[0]!r}: дайте каждому своё `as`",
        )
    return tuple(asked)


_RESERVED: Final = frozenset(("bucket", "other", *DIMENSIONS))


def _row_name(alias: str | None, name: str) -> str:
    if alias is not None and not NAME.fullmatch(alias):
        raise QueryRefused(
            f"`as` {alias[:70]!r} is not a letter followed by at most 63 letters, digits or _",
            detail_ru=f"`as` {alias[:70]!r} – не буква и до 63 букв, цифр или _",
        )
    return alias or name


def _parameters(metric: Metric, sent: Mapping[str, Any], company: Company) -> Params:
    known = {parameter.name: parameter for parameter in metric.parameters}
    unknown = sorted(sent.keys() - known.keys())
    if unknown:
        have = ", ".join(known) or "none"
        raise BadParameter(
            f"{metric.name} has no parameter {unknown[0][:60]!r}; it has: {have}",
            detail_ru=f"у {metric.name} нет параметра {unknown[0][:60]!r}; есть: {have}",
        )
    params = {name: _value(metric, known[name], sent) for name in known}
    if params.get("clock") == BUSINESS and company.calendar is None:
        raise NoCalendar(metric.name)
    if "currency" in params and params["currency"] is None:
        params["currency"] = company.currency
    return params


def _value(metric: Metric, parameter: Parameter, sent: Mapping[str, Any]) -> Any:
    if parameter.name not in sent:
        return parameter.default
    value = sent[parameter.name]
    if value is None and (parameter.nullable or parameter.default is None):
        return None
    if parameter.type is ParameterType.CHOICE and type(value) is int:
        value = str(value)  # 5 is what people write of "5", "15", "60"
    if not _fits(parameter, value):
        shown = f"{value!r}"[:60]
        raise BadParameter(
            f"{parameter.name} of {metric.name} is {shown}; it takes {_takes(parameter)}",
            detail_ru=f"{parameter.name} у {metric.name} – {shown}; допустимо {_takes(parameter)}",
        )
    return value


def _fits(parameter: Parameter, value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match parameter.type:
        case ParameterType.INTEGER:
            return isinstance(value, int) and number and parameter.least <= value <= parameter.most
        case ParameterType.NUMBER:
            inside = number and parameter.least <= value <= parameter.most
            # Spans are compared in whole milliseconds, before any rounding.
            return inside and round(value * 1000) == round(value * 1_000_000) / 1000
        case ParameterType.CHOICE:
            return isinstance(value, str) and value in parameter.choices
        case ParameterType.CURRENCY:
            return isinstance(value, str) and CURRENCY.fullmatch(value) is not None
        case ParameterType.CODE:
            return _is_code(value, 100)


def _is_code(value: Any, most: int) -> bool:
    """Whether it is a text that the database can compare with: no NUL, no half of a surrogate."""
    return (
        isinstance(value, str)
        and 1 <= len(value) <= most
        and re.search("[\0\ud800-\udfff]", value) is None
    )


def _takes(parameter: Parameter) -> str:
    match parameter.type:
        case ParameterType.CHOICE:
            return ", ".join(parameter.choices)
        case ParameterType.CURRENCY:
            return "ISO 4217"
        case ParameterType.CODE:
            return "text 1–100"
        case _:
            return f"{parameter.least:g} … {parameter.most:g}"


def range_of(start: datetime, end: datetime, granularity: Granularity, timezone: str) -> Buckets:
    """
    The buckets of a range, none of them made before it is clear how many there are.

    Raises:
        UnknownTimezone, BadRange, TooManyBuckets.
    """
    zone = find_zone(timezone)
    if zone is None:
        raise UnknownTimezone(timezone)
    if start >= end:
        raise BadRange(
            f"the range ends at {end.isoformat()}, before it begins at {start.isoformat()}",
            detail_ru=f"период кончается в {end.isoformat()}, раньше начала {start.isoformat()}",
        )
    found = most_buckets(start, end, granularity)
    if found > MOST_BUCKETS:
        raise TooManyBuckets(found, MOST_BUCKETS)
    if start.year < FIRST_YEAR or end.year > LAST_YEAR:
        raise BadRange(
            f"the range lies outside {FIRST_YEAR} to {LAST_YEAR}",
            detail_ru=f"период выходит за {FIRST_YEAR}–{LAST_YEAR} годы",
        )
    return buckets(start, end, granularity, zone)


def check_dimensions(asked: Iterable[Asked], names: Iterable[str]) -> None:
    """
    Every asked metric can be cut by every one of `names`.

    Raises:
        UnknownDimension, ImpossibleDimension.
    """
    wanted = tuple(names)
    for name in wanted:
        if name not in DIMENSIONS:
            raise UnknownDimension(name, tuple(DIMENSIONS))
    for one in asked:
        metric = one.metric
        for name in wanted:
            if name in metric.impossible:
                reason = metric.impossible[name]
                raise ImpossibleDimension(metric.name, name, reason.en, reason.ru)
            for kind in one.reading.kinds:
                if name not in dimensions_of(kind):
                    raise ImpossibleDimension(
                        metric.name,
                        name,
                        f"facts of kind {kind} do not carry it",
                        f"факты вида {kind} его не несут",
                    )


def check_past(as_of: datetime | None, asked: Iterable[Asked], names: Iterable[str]) -> None:
    """
    What is asked, and every one of `names`, grouped or filtered by, is known as it was at `as_of`.

    Raises:
        NoPastGroups, NoPastCalendar.
    """
    if as_of is None:
        return
    if BRANCH_GROUP in names:
        raise NoPastGroups
    for one in asked:
        if one.params.get("clock") == BUSINESS:
            raise NoPastCalendar(one.name)


def filter_of(company: Company, name: str, op: str, values: Sequence[Any]) -> Filter:
    """
    A filter on a declared dimension.

    Args:
        op: `eq` and `ne` take one value, `in` and `not_in` several.
        values: Codes, numbers or ids; None is the missing value. Sources and surveys may also be
            named by the ids that senders use.
    Raises:
        UnknownDimension, BadFilter.
    """
    dimension = DIMENSIONS.get(name)
    if dimension is None:
        raise UnknownDimension(name, tuple(DIMENSIONS))
    if not 1 <= len(values) <= MOST_VALUES or (op in ("eq", "ne") and len(values) != 1):
        most = 1 if op in ("eq", "ne") else MOST_VALUES
        raise BadFilter(
            f"filter on {name}: {op} takes 1 to {most} values, not {len(values)}",
            detail_ru=f"фильтр по {name}: для {op} нужно значений от 1 до {most}, а их {len(values)}",
        )
    found = frozenset(_filter_value(company, dimension, one) for one in values)
    made = Filter(name, found, negated=op in ("ne", "not_in"))
    return _by_branch(made, company) if name == BRANCH_GROUP else made


def _filter_value(company: Company, dimension: Dimension, value: Any) -> Any:
    if value is None and not dimension.computed:
        return None
    if dimension.computed:
        number = isinstance(value, int) and not isinstance(value, bool)
        if number and dimension.least <= value <= dimension.most:
            return value
    elif _is_code(value, 200):
        if dimension.type is Type.CODE:
            return value
        try:
            return str(UUID(value))
        except ValueError:
            # Senders know a source and a survey by ids of their own, from which ours are made.
            return str(subject_id(company.tenant, dimension.name, value))
    kind = dimension.type.value
    en = ru = f"{dimension.least} … {dimension.most}"
    if not dimension.computed:
        en, ru = f"a {kind}", kind
    raise BadFilter(
        f"filter on {dimension.name}: {value!r:.60} is not {en}",
        detail_ru=f"фильтр по {dimension.name}: {value!r:.60} – не {ru}",
    )


def _by_branch(wanted: Filter, company: Company) -> Filter:
    """A filter on groups as one on their branches; the missing group is every other branch."""
    grouped = {branch for branch, groups in company.groups_of.items() if groups}
    inside = {branch for branch in grouped if wanted.values & set(company.groups_of[branch])}
    if None in wanted.values:
        return Filter("branch", frozenset(grouped - inside), negated=not wanted.negated)
    return Filter("branch", frozenset(inside), negated=wanted.negated)


def within_reach(filters: Sequence[Filter], branches: frozenset[str] | None) -> tuple[Filter, ...]:
    """The filters, and the one that keeps a caller to their branches; None sees every branch."""
    return (*filters, *(() if branches is None else (Filter("branch", branches),)))
