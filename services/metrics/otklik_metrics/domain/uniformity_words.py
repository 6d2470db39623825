"""What the spread of units comes to, in plain words of both languages."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from statistics import median
from typing import Any, Final, NamedTuple

from otklik_metrics.domain.dimensions import Text
from otklik_metrics.domain.group_means import Compared, Difference
from otklik_metrics.domain.uniformity import ALPHA, Judged, Spread


class Verdict(StrEnum):
    """What the spread of units comes to."""

    NOTHING = "nothing"
    """Fewer than two units counted anything."""
    FEW = "few"
    """So do all of them, and most have counted too little for that to mean much."""
    ALIKE = "alike"
    """All things counted, or none did, in every unit."""
    CHANCE = "chance"
    """The units differ no more than chance explains."""
    SOME = "some"
    """So they do as a whole, but some stand out."""
    DIFFER = "differ"
    """They differ more than chance explains."""


class Told(NamedTuple):
    """A verdict and its words."""

    code: Verdict
    text: str


_UNITS: Final[Mapping[str, tuple[Text, Text]]] = {
    "branch": (Text("branches", "филиалы"), Text("branches", "филиалов")),
    "agent": (Text("employees", "сотрудники"), Text("employees", "сотрудников")),
    "team": (Text("teams", "команды"), Text("teams", "команд")),
}
"""Who is compared: as the subject of a sentence, and after a number of many in Russian."""

_NOTHING: Final = Text(
    "Nothing to compare: of all {units}, {count} counted anything in this time.",
    "Сравнивать нечего: из всех {of_units} за это время что-то насчитано только у {count}.",
)
ENOUGH: Final = 30
"""A unit that has counted so many, all alike, has a true share within 10 points (rule of three)."""

_FEW: Final = Text(
    "Too early to tell whether {units} differ: half of them have counted fewer than {enough} so far.",
    "Пока рано судить, различаются ли {units}: у половины из них насчитано меньше {enough}.",
)
_ALIKE: Final = Text("All {units} are alike: {mean}.", "Все {units} одинаковы: {mean}.")
_CHANCE: Final = Text(
    "{Units} differ no more than chance explains. What chance may hide: typically ±{most} points at most.",
    "{Units} различаются не сильнее, чем объясняет случай. За случайностью может скрываться обычное "
    "отличие не больше ±{most} п. п.",
)
_SOME: Final = Text(
    "As a whole, {units} differ no more than chance explains; standing out all the same: {out} of {count}.",
    "В целом {units} различаются не сильнее, чем объясняет случай; но выделяются: {out} из {count}.",
)
_DIFFER: Final = Text(
    "{Units} differ more than chance explains: typically ±{tau} points ({low} to {high}) around a mean "
    "of {mean}. Standing out: {out} of {count}. Chance explains {chance} of the spread that is seen.",
    "{Units} различаются сильнее, чем объясняет случай: обычно на ±{tau} п. п. (от {low} до {high}) "
    "вокруг среднего {mean}. Выделяются: {out} из {count}. Случай объясняет {chance} видимого разброса.",
)
_MORE: Final = Text(
    "“{first}” is {value} points {side} “{second}” ({low} to {high}): more than chance explains.",
    "«{first}» {side} «{second}», на {value} п. п. (от {low} до {high}): сильнее, чем объясняет случай.",
)
_MAYBE: Final = Text(
    "“{first}” and “{second}” differ by {value} points ({low} to {high}): that may be chance.",
    "«{first}» и «{second}» различаются на {value} п. п. (от {low} до {high}): это может быть случайность.",
)
_UNSURE: Final = Text(
    "“{first}” and “{second}” differ by {value} points; there are too few units to tell that from chance.",
    "«{first}» и «{second}» различаются на {value} п. п.; единиц слишком мало, чтобы отличить это от "
    "случайности.",
)
_ABSENT: Final = Text(
    "“{first}” and “{second}” cannot be compared: one of them has counted nothing.",
    "«{first}» и «{second}» не сравнить: в одной из групп ничего не насчитано.",
)


def verdict(by: str, found: Spread, judged: Sequence[Judged[Any]], language: str) -> Told:
    """
    What the spread of units comes to.

    Args:
        by: `branch`, `agent` or `team`.
    """
    out = sum(one.differs != 0 for one in judged)
    code = _code(found, out, judged)
    text = {
        Verdict.NOTHING: _NOTHING,
        Verdict.FEW: _FEW,
        Verdict.ALIKE: _ALIKE,
        Verdict.CHANCE: _CHANCE,
        Verdict.SOME: _SOME,
        Verdict.DIFFER: _DIFFER,
    }[code].in_(language)
    units, of_units = (one.in_(language) for one in _UNITS[by])
    low, high = found.tau_interval or (0.0, 0.0)
    return Told(
        code,
        text.format(
            units=units,
            Units=units[:1].upper() + units[1:],
            of_units=of_units,
            count=found.units,
            out=out,
            enough=ENOUGH,
            tau=points(found.tau or 0.0, language),
            low=points(low, language),
            high=points(high, language),
            most=points(high, language),
            mean=percent(found.mean or 0.0, language),
            chance=percent(found.chance_share or 0.0, language),
        ),
    )


def _code(found: Spread, out: int, judged: Sequence[Judged[Any]]) -> Verdict:
    if found.p_value is None:
        return Verdict.NOTHING
    if found.tau_interval is None:
        little = median(one.of for one in judged) < ENOUGH
        return Verdict.FEW if little else Verdict.ALIKE
    if found.p_value < ALPHA:
        return Verdict.DIFFER
    return Verdict.SOME if out else Verdict.CHANCE


def told_differences(found: Compared, language: str) -> list[str]:
    """A sentence for each group beside the first."""
    return [_difference(one, language) for one in found.differences]


def _difference(one: Difference, language: str) -> str:
    value = one.value
    if value is None:
        return _ABSENT.in_(language).format(first=one.first, second=one.second)
    sure = one.p_value is not None and one.p_value < ALPHA
    if one.interval is None:
        text, low, high = _UNSURE, 0.0, 0.0
    else:
        text, (low, high) = _MORE if sure else _MAYBE, one.interval
    if sure and value < 0:
        low, high = -high, -low
    side = Text("above", "выше") if value > 0 else Text("below", "ниже")
    return text.in_(language).format(
        first=one.first,
        second=one.second,
        side=side.in_(language) + (", чем" if language == "ru" else ""),
        value=points(abs(value) if sure or one.interval is None else value, language),
        low=points(low, language),
        high=points(high, language),
    )


def points(share: float, language: str) -> str:
    """A difference of shares in points of per cent: one decimal, or two where it is small."""
    value = 100 * share
    return _number(value, 2 if 0 < abs(value) < 1 else 1, language)


def percent(share: float, language: str) -> str:
    """A share of one as per cent."""
    value = 100 * share
    sign = "\N{NO-BREAK SPACE}%" if language == "ru" else "%"
    return _number(value, 2 if 0 < value < 1 else 1, language) + sign


def _number(value: float, digits: int, language: str) -> str:
    text = f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "\N{MINUS SIGN}")
    return text.replace(".", ",") if language == "ru" else text


METHOD: Final = (
    Text(
        "spread: Pearson's χ² of the units' shares; its p-value by a χ² scaled to the mean and variance "
        "that it has exactly, with all totals given (Haldane 1940)",
        "разброс: χ² Пирсона по долям единиц; p-значение – по χ², растянутому до точных среднего и "
        "дисперсии при данных итогах (Haldane 1940)",
    ),
    Text(
        "beyond chance, τ: standard deviation of the true shares, by Paule and Mandel over extra-binomial "
        "variation (Kleinman 1973, Williams 1982); 95 % by the Q profile (Viechtbauer 2007)",
        "сверх случая, τ: стандартное отклонение истинных долей, по Полу и Манделю для "
        "сверхбиномиальной изменчивости (Kleinman 1973, Williams 1982); 95 % – по профилю Q (Viechtbauer 2007)",
    ),
    Text(
        "limits: where 95 % of units of that size lie if they are like the others (funnel plot). Standing "
        "out: Fisher's exact test against all others together, Benjamini–Hochberg: of those named, at "
        "most 5 % by chance",
        "пределы: где лежат 95 % единиц такого размера, если они как все (воронка). Выделяются: точный "
        "тест Фишера против всех остальных, Бенджамини–Хохберг: из названных случайно не больше 5 %",
    ),
    Text(
        "shrunk: the likeliest true share, drawn to the mean the more the fewer the unit counted (empirical "
        "Bayes); 95 % with the errors of the mean and of τ (Prasad and Rao 1990)",
        "сглаженное: самая вероятная истинная доля, тем ближе к среднему, чем меньше насчитано "
        "(эмпирический Байес); 95 % – с ошибками среднего и τ (Prasad, Rao 1990)",
    ),
    Text(
        "each thing counts for itself: where one bad hour loses many calls, units differ by more than "
        "chance without being worse",
        "каждый случай считается отдельным: если один плохой час теряет много звонков, единицы "
        "различаются сильнее, чем случайно, не будучи хуже",
    ),
)
OF_GROUPS: Final = Text(
    "groups: means of units that differ within each group by the same ρ, so that a few large units do not "
    "decide; intervals by Student's t (Knapp and Hartung 2003), all differences together 95 %",
    "группы: средние по единицам, которые внутри группы различаются с тем же ρ, поэтому несколько "
    "крупных не решают за всех; интервалы по Стьюденту (Knapp, Hartung 2003), все разности вместе 95 %",
)


def method(language: str, *, groups: bool) -> list[str]:
    """How it is worked out, a sentence a part."""
    return [one.in_(language) for one in (*METHOD, *((OF_GROUPS,) if groups else ()))]
