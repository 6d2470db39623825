"""A dashboard as Grafana's JSON, in one language."""

import json
from string import ascii_uppercase
from typing import Any, Final, TypeVar

from grafana_foundation_sdk.builders import common, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    TableColoredBackgroundCellOptions,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from deploy.watch.layout import Dashboard, Look, Panel, Query, Steps
from otklik_metrics.domain.dimensions import Text
from otklik_metrics.domain.gauges import GAUGES

LANGUAGES: Final = ("en", "ru")
TAG: Final = "otklik"

SOURCE: Final = model.DataSourceRef(type_val="prometheus", uid="${datasource}")

_NO_DATA: Final = Text("no data", "нет данных")
_LINK: Final = Text("All of Otklik", "Всё об Отклике")
_SOURCE_LABEL: Final = Text("Data source", "Источник данных")
_COMPANY_LABEL: Final = Text("Company", "Компания")

Grafana = build.Panel | stat.Panel | table.Panel | timeseries.Panel


def rendered(dashboard: Dashboard, language: str) -> str:
    """The JSON file that Grafana reads, with keys in order, so that changes can be read."""
    other = next(one for one in LANGUAGES if one != language)
    made = (
        build.Dashboard(dashboard.title.in_(language))
        .uid(uid_of(dashboard, language))
        .description(dashboard.about.in_(language))
        .tags([TAG, language])
        .timezone("browser")
        .time(f"now-{dashboard.hours}h", "now")
        .refresh("30s")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .readonly()
        .with_variable(
            build.DatasourceVariable("datasource")
            .label(_SOURCE_LABEL.in_(language))
            .type("prometheus")
        )
        .link(
            build.DashboardLink(_LINK.in_(language))
            .type(model.DashboardLinkType.DASHBOARDS)
            .tags([TAG, language])
            .as_dropdown(True)
            .keep_time(True)
            .include_vars(True)
        )
        .link(
            build.DashboardLink("Русский" if other == "ru" else "English")
            .type(model.DashboardLinkType.LINK)
            .url(f"/d/{uid_of(dashboard, other)}")
            .keep_time(True)
            .include_vars(True)
        )
    )
    if dashboard.companies:
        made.with_variable(
            build.QueryVariable("company")
            .label(_COMPANY_LABEL.in_(language))
            .datasource(SOURCE)
            .query(f"label_values({GAUGES[0].name}, company)")
            .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
            .multi(True)
            .include_all(True)
            .all_value(".*")
            .current(model.VariableOption(text="All", value="$__all"))
        )
    number = 0
    for row in dashboard.rows:
        made.with_row(build.Row(row.title.in_(language)))
        for panel in row.panels:
            number += 1
            made.with_panel(_panel(panel, language).id(number))
    tree = json.loads(JSONEncoder(sort_keys=True).encode(made.build()))
    return json.dumps(tree, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def uid_of(dashboard: Dashboard, language: str) -> str:
    """The same for ever: links and bookmarks hold it."""
    return f"otklik-{dashboard.name}-{language}"


def _panel(panel: Panel, language: str) -> Grafana:
    if panel.look is Look.NUMBER:
        return _common(_number(), panel, language)
    if panel.look is Look.MAP:
        return _common(_map(panel), panel, language)
    if panel.look is Look.TABLE:
        return _common(_table(panel, language), panel, language)
    return _common(_lines(panel), panel, language)


P = TypeVar("P", stat.Panel, table.Panel, timeseries.Panel)


def _common(made: P, panel: Panel, language: str) -> P:
    made = (
        made.title(panel.title.in_(language))
        .description(panel.about.in_(language))
        .datasource(SOURCE)
        .unit(panel.unit)
        .thresholds(_thresholds(panel.steps))
        .no_value(_NO_DATA.in_(language))
        .height(panel.height)
        .span(panel.width)
    )
    if panel.decimals is not None:
        made = made.decimals(panel.decimals)
    if panel.least is not None:
        made = made.min(panel.least)
    if panel.most is not None:
        made = made.max(panel.most)
    for letter, query in zip(ascii_uppercase, panel.queries, strict=False):
        made = made.with_target(_target(query, panel.look, language, letter))
    return made


def _target(query: Query, look: Look, language: str, letter: str) -> prometheus.Dataquery:
    made = (
        prometheus.Dataquery()
        .datasource(SOURCE)
        .ref_id(letter)
        .expr(query.expr)
        .legend_format(query.name.in_(language) or "__auto")
    )
    if look is Look.LINES:
        return made.range()
    made = made.instant()
    return made if look is Look.NUMBER else made.format(PromQueryFormat.TABLE)


def _thresholds(steps: Steps) -> build.ThresholdsConfig:
    return (
        build.ThresholdsConfig()
        .mode(model.ThresholdsMode.ABSOLUTE)
        .steps([model.Threshold(value=value, color=color) for value, color in steps])
    )


def _number() -> stat.Panel:
    return (
        stat.Panel()
        .color_mode(BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .color_scheme(build.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
    )


def _lines(panel: Panel) -> timeseries.Panel:
    made = (
        timeseries.Panel()
        .line_width(2)
        .fill_opacity(8)
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(
            common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING)
        )
    )
    if len(panel.steps) > 1:
        style = common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)
        made = made.thresholds_style(style)
    return made


def _map(panel: Panel) -> table.Panel:
    """Rows by one label, columns by another, the stronger the colour the more."""
    (query,) = panel.queries
    assert not query.unit, "a map has the unit of its panel"
    corner = f"{panel.rows}\\{panel.columns}"
    options = {
        "columnField": panel.columns,
        "rowField": panel.rows,
        "valueField": "Value",
        "emptyValue": "null",
    }
    order = {name: place for place, name in enumerate((corner, *panel.order))}
    plain: Any = {"type": "auto"}
    return (
        table.Panel()
        .with_transformation(
            model.DataTransformerConfig(id_val="groupingToMatrix", options=options)
        )
        .with_transformation(
            model.DataTransformerConfig(
                id_val="sortBy", options={"fields": {}, "sort": [{"field": corner}]}
            )
        )
        .with_transformation(
            model.DataTransformerConfig(id_val="organize", options={"indexByName": order})
        )
        .cell_options(TableColoredBackgroundCellOptions())
        .color_scheme(build.FieldColor().mode(model.FieldColorModeId.CONTINUOUS_BLUES))
        .override_by_name(
            corner, [model.DynamicConfigValue(id_val="custom.cellOptions", value=plain)]
        )
    )


def _table(panel: Panel, language: str) -> table.Panel:
    """Columns of several queries side by side, named as the queries are."""
    letters = ascii_uppercase[: len(panel.queries)]
    names = {
        "Value" if len(panel.queries) == 1 else f"Value #{letter}": query.name.in_(language)
        for letter, query in zip(letters, panel.queries, strict=True)
    }
    made = (
        table.Panel()
        .with_transformation(model.DataTransformerConfig(id_val="merge", options={}))
        .with_transformation(
            model.DataTransformerConfig(
                id_val="organize",
                options={"excludeByName": {"Time": True}, "renameByName": names},
            )
        )
    )
    for query in panel.queries:
        if query.unit:
            unit = model.DynamicConfigValue(id_val="unit", value=query.unit)
            made = made.override_by_name(query.name.in_(language), [unit])
    first = panel.queries[0].name.in_(language)
    colour: Any = {"type": "color-text"}
    shown = model.DynamicConfigValue(id_val="custom.cellOptions", value=colour)
    return made.override_by_name(first, [shown])
