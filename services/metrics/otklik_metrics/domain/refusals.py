"""Every "no" of a query, with what to do instead."""

from collections.abc import Sequence

from otklik_common.errors import Conflict, Title, Unprocessable


class QueryRefused(Unprocessable):
    """The query is well-formed and cannot be answered."""

    code = "invalid_query"
    title = Title("The query cannot be answered", "На запрос нельзя ответить")


class UnknownMetric(QueryRefused):
    """No metric of that name is declared."""

    code = "unknown_metric"

    def __init__(self, name: str, near: Sequence[str]) -> None:
        hint = f"; near: {', '.join(near)}" if near else ""
        super().__init__(
            f"metric {name[:100]!r} is not in the catalogue{hint}",
            detail_ru=f"показателя {name[:100]!r} нет в каталоге"
            + (f"; похожие: {', '.join(near)}" if near else ""),
            near=list(near),
        )


class BadParameter(QueryRefused):
    """A parameter is unknown to its metric, or has a value that it does not take."""

    code = "bad_parameter"


class UnknownDimension(QueryRefused):
    """No dimension of that name is declared."""

    code = "unknown_dimension"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(
            f"dimension {name[:100]!r} is unknown; known are {', '.join(known)}",
            detail_ru=f"измерение {name[:100]!r} неизвестно; есть {', '.join(known)}",
        )


class ImpossibleDimension(QueryRefused):
    """The metric's facts do not have the dimension, or it would mislead."""

    code = "impossible_dimension"

    def __init__(self, metric: str, dimension: str, en: str, ru: str) -> None:
        super().__init__(
            f"{metric} cannot be cut by {dimension}: {en}",
            detail_ru=f"{metric} нельзя разбить по {dimension}: {ru}",
            metric=metric,
            dimension=dimension,
        )


class BadFilter(QueryRefused):
    """A filter's value is none that its dimension has."""

    code = "bad_filter"


class UnknownTimezone(QueryRefused):
    """No zone of that name is in the IANA database."""

    code = "unknown_timezone"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"timezone {name[:60]!r} is not in the IANA database",
            detail_ru=f"зоны {name[:60]!r} нет в базе IANA",
        )


class BadRange(QueryRefused):
    """The range is empty, reversed, or beyond what the calendar is kept for."""

    code = "bad_range"


class TooManyBuckets(QueryRefused):
    """The range has more buckets than an answer may."""

    code = "too_many_buckets"

    def __init__(self, found: int, most: int) -> None:
        super().__init__(
            f"the range has about {found} buckets, at most {most} are answered: take a coarser "
            "granularity or a shorter range",
            detail_ru=f"в периоде около {found} интервалов, отвечаем не более чем на {most}: "
            "возьмите granularity крупнее или период короче",
            limit=most,
        )


class TooManyCells(QueryRefused):
    """Buckets × groups × metrics are more than an answer may hold."""

    code = "too_many_cells"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"the answer would have more than {most} cells: filter, ask for the top groups, or "
            "take a coarser granularity",
            detail_ru=f"в ответе было бы больше {most} ячеек: отфильтруйте, запросите top или "
            "возьмите granularity крупнее",
            limit=most,
        )


class TooMuchRead(QueryRefused):
    """The answer is small enough, and what it is made of is not."""

    code = TooManyCells.code

    def __init__(self, most: int) -> None:
        super().__init__(
            f"the answer is made of more than {most} groups × buckets × metrics: filter, ask for "
            "fewer metrics, or take a coarser granularity",
            detail_ru=f"ответ складывается более чем из {most} групп × интервалов × показателей: "
            "отфильтруйте, запросите меньше показателей или возьмите granularity крупнее",
            limit=most,
        )


class TooManyRows(QueryRefused):
    """Only facts can answer, and there are more than may be read."""

    code = "too_many_rows"
    advice = Title(
        "shorten the range or filter by branch, queue or channel",
        "сократите период или отфильтруйте по филиалу, очереди или каналу",
    )

    def __init__(self, metric: str, most: int, en: str, ru: str) -> None:
        super().__init__(
            f"{metric} needs the facts ({en}) and there are more than {most} to look at: "
            f"{self.advice.en}",
            detail_ru=f"для {metric} нужны факты ({ru}), а смотреть пришлось бы больше {most}: "
            f"{self.advice.ru}",
            limit=most,
        )


class TooManyRevisions(TooManyRows):
    """The same of the past, whose revisions are read before it is known what they say."""

    advice = Title(
        "shorten the range, or ask without as_of", "сократите период или спросите без as_of"
    )


class NoCalendar(QueryRefused):
    """Business time needs a calendar, and the company has none."""

    code = "no_calendar"

    def __init__(self, metric: str) -> None:
        super().__init__(
            f"{metric} by the business clock needs a calendar, and there is none: put one at "
            '/access/v1/calendars, or ask for clock "elapsed"',
            detail_ru=f"{metric} по рабочему времени требует календаря, а его нет: заведите его в "
            '/access/v1/calendars или запросите clock "elapsed"',
        )


class NoPastCalendar(QueryRefused):
    """Business time is asked as of a moment, and only today's calendar is known."""

    code = "no_past_calendar"

    def __init__(self, metric: str) -> None:
        super().__init__(
            f"the calendar of {metric} is not kept as it was in the past, so an answer would change "
            'with its edits: ask by clock "elapsed", or without as_of',
            detail_ru=f"календарь для {metric} в прошлом виде не хранится, и ответ менялся бы вместе "
            'с его правками: запросите clock "elapsed" или без as_of',
        )


class ClosedCellsOnly(QueryRefused):
    """Anonymous answers are shown by whole closed months of the company's zone alone."""

    code = "closed_cells_only"

    def __init__(self) -> None:
        super().__init__(
            "anonymous answers are shown only by granularity month over whole, past months of the "
            "company's own zone, in total or by branch, without filters, compare, top and as_of, "
            "and to callers who see every branch",
            detail_ru="анонимные ответы показываются только по целым прошедшим месяцам в зоне "
            "компании, всего или по филиалам, без фильтров, compare, top и as_of, и только тем, "
            "кому видны все филиалы",
        )


class NoPastGroups(QueryRefused):
    """Groups of branches are asked for as of a moment, and only today's are known."""

    code = "no_past_groups"

    def __init__(self) -> None:
        super().__init__(
            "branch_group is not kept as it was in the past, so an answer would change with the "
            "groups of today: ask by branch, or without as_of",
            detail_ru="состав branch_group в прошлом не хранится, и ответ менялся бы вместе с "
            "нынешними группами: запросите по branch или без as_of",
        )


class NotComparable(QueryRefused):
    """Its value is no share of things that each count or do not."""

    code = "not_comparable"

    def __init__(self, definition: str, able: Sequence[str]) -> None:
        super().__init__(
            f"{definition} is no share of things that each count or do not, so chance cannot be told "
            f"from its spread; these can be compared (csat and ces as shares): {', '.join(able)}",
            detail_ru=f"{definition} – не доля отдельных случаев, и случайность из его разброса не "
            f"выделить; сравнить можно (csat и ces – как доли): {', '.join(able)}",
        )


class GroupsNeedBranches(QueryRefused):
    """Groups are those of branches."""

    code = "groups_need_branches"

    def __init__(self) -> None:
        super().__init__(
            "groups are those of branches: ask by branch, or without groups",
            detail_ru="группы – это группы филиалов: запросите по branch или без groups",
        )


class UnknownGroup(QueryRefused):
    """No branch is in it."""

    code = "unknown_group"

    def __init__(self, group: str) -> None:
        super().__init__(
            f"no branch is in the group {group[:100]!r}: groups of branches are said at "
            "/access/v1/branches/{code}",
            detail_ru=f"в группе {group[:100]!r} нет филиалов: группы филиалов задаются в "
            "/access/v1/branches/{code}",
        )


class HistoryBehind(Conflict):
    """What was known then is not in the history yet."""

    code = "history_behind"
