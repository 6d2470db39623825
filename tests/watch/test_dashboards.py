"""What Grafana is given: whole, in both languages, with units, and names that come from one place."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import promql_parser
import pytest

from deploy.watch import grafana
from deploy.watch.__main__ import DASHBOARDS
from deploy.watch.business import CHOSEN, gauge_of
from deploy.watch.layout import Dashboard, Look, Panel
from otklik_metrics.domain.gauge import Window
from otklik_metrics.domain.gauges import GAUGES

MADE: Final = {
    grafana.uid_of(board, language): json.loads(grafana.rendered(board, language))
    for board in DASHBOARDS
    for language in grafana.LANGUAGES
}
PANELS: Final = [(board, panel) for board in DASHBOARDS for panel in board.panels]
CYRILLIC: Final = re.compile("[А-Яа-яё]")

WIDTH: Final = 24


def _named(pairs: list[tuple[Dashboard, Panel]]) -> list[str]:
    return [f"{board.name}: {panel.title.en}" for board, panel in pairs]


def _shown(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (panel for panel in tree["panels"] if panel["type"] != "row")


def test_every_dashboard_has_an_address_of_its_own_and_tells_the_other_language() -> None:
    for uid, tree in MADE.items():
        assert tree["uid"] == uid
        assert len(uid) <= 40
        others = {link["url"].removeprefix("/d/") for link in tree["links"] if link.get("url")}
        assert others == {uid[:-2] + ("ru" if uid.endswith("en") else "en")}
        assert others <= MADE.keys()


@pytest.mark.parametrize("uid", MADE)
def test_the_reader_chooses_where_the_numbers_come_from(uid: str) -> None:
    tree = MADE[uid]
    variables = {one["name"]: one for one in tree["templating"]["list"]}
    assert variables["datasource"]["query"] == "prometheus"
    source = {"type": "prometheus", "uid": "${datasource}"}
    for panel in _shown(tree):
        assert panel["datasource"] == source
        assert [target["datasource"] for target in panel["targets"]] == [source] * len(
            panel["targets"]
        )
    asked = "$company" in json.dumps(tree)
    assert ("company" in variables) == asked


@pytest.mark.parametrize("uid", MADE)
def test_panels_are_whole_and_lie_side_by_side(uid: str) -> None:
    tree = MADE[uid]
    panels = list(_shown(tree))
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        assert panel["targets"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] is None
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters)
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= WIDTH
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert taken.isdisjoint(cells)
        taken |= cells


@pytest.mark.parametrize("uid", MADE)
def test_words_are_in_the_language_of_the_dashboard(uid: str) -> None:
    tree = MADE[uid]
    russian = uid.endswith("ru")
    texts = [tree["title"], tree["description"]]
    texts += [panel["description"] for panel in _shown(tree)]
    for text in texts:
        assert bool(CYRILLIC.search(text)) == russian, text
    if not russian:
        assert not CYRILLIC.search("".join(panel["title"] for panel in tree["panels"]))


@pytest.mark.parametrize(("board", "panel"), PANELS, ids=_named(PANELS))
def test_every_query_is_promql(board: Dashboard, panel: Panel) -> None:
    for query in panel.queries:
        expr = query.expr.replace("$__rate_interval", "1m").replace("$company", ".*")
        promql_parser.parse(expr)
        assert "$" not in expr, f"{board.name}: {expr}"
    if panel.look is Look.TABLE:
        assert all(query.name.en for query in panel.queries), "a column has a name"


def test_every_business_gauge_is_on_a_dashboard() -> None:
    asked = " ".join(query.expr for _, panel in PANELS for query in panel.queries)
    assert {gauge.name for gauge in GAUGES if gauge.name not in asked} == set()


def test_copies_of_a_gauge_are_made_one_before_they_are_added() -> None:
    """Every API process serves the business numbers; two replicas must not double them."""
    for board, panel in PANELS:
        for query in panel.queries:
            for gauge in GAUGES:
                for found in re.finditer(rf"{gauge.name}{{", query.expr):
                    before = query.expr[: found.start()]
                    assert re.search(r"max by \([^)]*\) \($", before), (board.name, query.expr)
                    assert query.expr[found.end() :].startswith(CHOSEN)


def test_a_gauge_is_found_by_what_it_shows_or_not_at_all() -> None:
    assert gauge_of("nps").name == "otklik_nps_points"
    assert gauge_of("csi", base=True).name == "otklik_csi_answers"
    with pytest.raises(LookupError, match="2 gauges show service_level"):
        gauge_of("service_level")
    with pytest.raises(LookupError, match="0 gauges show nps"):
        gauge_of("nps", Window.TODAY)
