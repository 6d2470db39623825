"""docs/metrics.md, made of the catalogue: `python -m otklik_metrics.domain.catalogue`."""

from collections.abc import Iterable, Iterator

from otklik_metrics.domain import limits
from otklik_metrics.domain.catalogue import CATALOGUE, Metric, Parameter, ParameterType
from otklik_metrics.domain.catalogue.words import LOW_BASE_UNDER
from otklik_metrics.domain.dimensions import DIMENSIONS, Text
from otklik_metrics.domain.gauges import COMPANIES, GAUGES, MOST_SAMPLES
from otklik_metrics.domain.group_means import MOST_GROUPS
from otklik_metrics.domain.series import label_names

INTRODUCTION = Text(
    "Generated from the catalogue (`python -m otklik_metrics.domain.catalogue`); do not edit. "
    "Every number is a value with its base `n`, and null over nothing: never 0, 100 or NaN. "
    "Shares are 0 to 1, NPS and CSI are in points, times in seconds. Ratios, scores and quantiles "
    "are computed on read from sums, so periods and groups are pooled, never averaged. Quantiles "
    "are the nearest rank ⌈q·n⌉ within 1 %; where some things have not ended yet, Kaplan-Meier. "
    f"A score of fewer than {LOW_BASE_UNDER} answers (weighted ones: by Kish) is marked `low_base`.",
    "Создано из каталога (`python -m otklik_metrics.domain.catalogue`), руками не правится. "
    "Каждое число – значение с базой `n`; над пустотой – null, а не 0, 100 или NaN. Доли от 0 до "
    "1, NPS и CSI в пунктах, время в секундах. Отношения, оценки и квантили считаются при чтении "
    "из сумм: периоды и группы объединяются, а не усредняются. Квантили – ближайший ранг ⌈q·n⌉ с "
    "точностью 1 %; где что-то ещё не закончилось – Каплан-Мейер. Оценка, за которой меньше "
    f"{LOW_BASE_UNDER} ответов (взвешенных – по Кишу), помечена `low_base`.",
)


CSV = Text(
    "`POST /metrics/v1/query` with `Accept: text/csv` answers the same rows as CSV (RFC 4180, UTF-8 "
    "without a byte-order mark): `bucket`, the dimensions, `other` (with `top`), and for each metric "
    "`name`, `name.n`, `name.numerator`, `name.denominator`, `name.reason` (why there is no value), "
    "`name.previous` (with `compare`). Numbers are written as in JSON, to the last digit; nothing "
    "stands where JSON says null. Text is quoted; one that a spreadsheet would take for a formula "
    "(it begins with `=`, `+`, `-`, `@`, their wide forms, a tab or a line break) follows a `'`. "
    "Receipts are in JSON alone.",
    "`POST /metrics/v1/query` с `Accept: text/csv` отвечает теми же строками в CSV (RFC 4180, UTF-8 "
    "без BOM): `bucket`, измерения, `other` (если есть `top`), и на каждый показатель `name`, "
    "`name.n`, `name.numerator`, `name.denominator`, `name.reason` (почему нет значения), "
    "`name.previous` (если есть `compare`). Числа записаны как в JSON, до последней цифры; где в JSON "
    "null, там пусто. Текст в кавычках; тот, что таблица приняла бы за формулу (начинается с `=`, "
    "`+`, `-`, `@`, их широких форм, табуляции или перевода строки), стоит после `'`. Чеки – только "
    "в JSON.",
)


UNIFORMITY = Text(
    "`POST /metrics/v1/uniformity` tells how far branches, teams or agents differ beyond chance in a share of "
    "things that each count or do not, with an interval; which of them stand out; each one's likeliest true "
    "share; and groups of branches beside one another (docs/decisions/0137). These metrics can be "
    f"compared: {{}}; `csat` and `ces` as shares. At most {MOST_GROUPS} groups.",
    "`POST /metrics/v1/uniformity` говорит, насколько филиалы, команды или сотрудники различаются сверх случая "
    "в доле отдельных случаев, с интервалом; кто из них выделяется; какова вероятная истинная доля каждого; и "
    "сравнивает группы филиалов (docs/decisions/0137). Сравнить можно: {}; `csat` и `ces` – как "
    f"доли. Групп не больше {MOST_GROUPS}.",
)


def document() -> str:
    """The whole page, in English and Russian."""
    parts = [
        "# Metrics · Показатели",
        INTRODUCTION.en,
        INTRODUCTION.ru,
        *_metrics(),
        *_dimensions(),
        *_limits(),
        "## CSV",
        CSV.en,
        CSV.ru,
        "## Uniformity · Единообразие",
        *_uniformity(),
        *_prometheus(),
    ]
    return "\n\n".join(parts) + "\n"


def _metrics() -> Iterator[str]:
    yield "## Metrics · Показатели"
    for metric in CATALOGUE.values():
        yield f"### `{metric.name}` — {metric.title.en} · {metric.title.ru}"
        yield "\n".join(_facts(metric))
        if metric.parameters:
            yield _table(
                ("parameter", "takes", "default", "meaning · смысл"),
                (_parameter(one) for one in metric.parameters),
            )


def _facts(metric: Metric) -> Iterator[str]:
    for name, formula in metric.formula.items():
        head = f"`{name}`: " if name else ""
        yield f"- {head}{formula.en} · {formula.ru}"
    if metric.numerator and metric.denominator:
        yield f"- numerator · числитель: {metric.numerator.en} · {metric.numerator.ru}"
        yield f"- denominator · знаменатель: {metric.denominator.en} · {metric.denominator.ru}"
    yield (
        f"- {metric.shape}, {metric.unit}; facts {_counted(metric)}; "
        f"{metric.computation}; version {metric.version}"
        + (f"; interval: {metric.interval}" if metric.interval else "")
        + (f"; withheld under {metric.minimum_n}" if metric.minimum_n else "")
    )
    carried = [f"`{name}`" for name in DIMENSIONS if name in metric.dimensions]
    yield f"- dimensions · измерения: {', '.join(carried)}"
    yield f"- source · источник: {metric.source.en}"


def _counted(metric: Metric) -> str:
    kinds = {metric.kind: metric.time_column, **metric.other_kinds}
    counted = " or ".join(f"`{kind}` by `{column}`" for kind, column in kinds.items())
    too = (f" and `{kind}` by `{column}`" for kind, column in metric.beside.items())
    return counted + "".join(too)


def _parameter(one: Parameter) -> tuple[str, str, str, str]:
    if one.choices:
        takes = ", ".join(one.choices)
    elif one.type in (ParameterType.INTEGER, ParameterType.NUMBER):
        takes = f"{one.type}, {one.least:g} to {one.most:g}"
    else:
        takes = one.type
    default = "null" if one.default is None else str(one.default)
    return f"`{one.name}`", takes, default, f"{one.title.en} · {one.title.ru}"


def _dimensions() -> Iterator[str]:
    yield "## Dimensions · Измерения"
    yield _table(
        ("name", "values", "meaning · смысл"),
        (
            (
                f"`{one.name}`",
                f"{one.least}–{one.most}" if one.computed else one.type,
                f"{one.title.en} · {one.title.ru}",
            )
            for one in DIMENSIONS.values()
        ),
    )


def _limits() -> Iterator[str]:
    yield "## Limits · Пределы"
    yield _table(
        ("what", "most", "answer"),
        (
            ("metrics of a query", str(limits.MOST_METRICS), "422 `invalid`"),
            ("dimensions of `group_by`", str(limits.MOST_GROUP_BY), "422 `invalid`"),
            (
                "filters, values of one",
                f"{limits.MOST_FILTERS}, {limits.MOST_VALUES}",
                "422 `invalid`",
            ),
            ("buckets of a range", f"{limits.MOST_BUCKETS:,}", "422 `too_many_buckets`"),
            ("buckets × groups × metrics", f"{limits.MOST_CELLS:,}", "422 `too_many_cells`"),
            ("buckets × groups of one select", f"{limits.MOST_READ:,}", "422 `too_many_cells`"),
            (
                "the same × its metrics, all selects",
                f"{limits.MOST_TAKEN:,}",
                "422 `too_many_cells`",
            ),
            ("facts that one select looks at", f"{limits.MOST_FACTS:,}", "422 `too_many_rows`"),
            ("spans read one by one, all metrics", f"{limits.MOST_SPANS:,}", "422 `too_many_rows`"),
            ("facts of people, all metrics", f"{limits.MOST_HISTORIES:,}", "422 `too_many_rows`"),
        ),
    )
    yield (
        f"An answer that takes longer than {limits.DEADLINE_SECONDS} s is 503 `too_slow`. Of the "
        f"heavy ones (people, the past, very many groups, more than {limits.MANY_UNITS:,} units compared) "
        f"{limits.HEAVY_AT_ONCE} are answered at once in a process; others wait."
    )


def _uniformity() -> Iterator[str]:
    able = ", ".join(f"`{name}`" for name, one in CATALOGUE.items() if one.is_share_of_things({}))
    for text in UNIFORMITY:
        yield text.format(able)


def _prometheus() -> Iterator[str]:
    yield "## Prometheus"
    yield (
        "Gauges over fixed windows, computed every 15 s by one worker and served with their age "
        "(`otklik_exposition_age_seconds`) by `/metrics` of the metrics API; never an agent or a "
        f"person as a label. The {COMPANIES} largest companies have a label of their own; what "
        f"does not fit into {MOST_SAMPLES:,} series is `other` (but for those of the largest company "
        "alone, which have room of their own), and "
        "`otklik_exposition_cut_groups` says how many groups that were. A missing value is "
        "`none`; codes that read like one of the two have a `_` before them. The largest are those "
        "with the most contacts of 28 days. Prometheus shows what was known at the scrape: history and corrections come from "
        "the query API. Counters beside them: `otklik_metrics_facts_total{kind,change}` (first "
        "seen, corrected), `otklik_metrics_refusals_total{code}` (questions refused) and "
        "`otklik_consumer_dead_letters_total`."
    )
    yield _table(
        ("gauge", "labels", "metric", "window", "meaning · смысл"),
        (
            (
                f"`{gauge.name}`",
                ", ".join(
                    f'{name}="{gauge.fixed[name]}"' if name in gauge.fixed else name
                    for name in label_names(gauge)
                ),
                f"`{gauge.metric}`",
                gauge.window,
                f"{gauge.help.en} · {gauge.help.ru}",
            )
            for gauge in GAUGES
        ),
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '¦') for cell in row)} |" for row in lines)
