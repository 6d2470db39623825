"""The table of goals: what is reached, what is behind, what was not measured."""

import pytest

from bench.peers.goals import CONSUMER, GOALS, PUSH, QUERY, Goal, table

PATHS = [("a query", "ratio"), ("another", "ratio")]


def _figures(*ratios: float) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    names = [name for name, _ in PATHS]
    return {
        "made": {"figures": {name: {"ratio": n} for name, n in zip(names, ratios, strict=True)}}
    }


@pytest.mark.parametrize(
    ("ratio", "word"), [(2.49, "**behind**"), (2.5, "reached"), (3.99, "reached"), (4, "goal")]
)
def test_a_bound_holds_from_itself_on(ratio: float, word: str) -> None:
    goal = Goal("it", "made", PATHS, 2.5, 4)
    assert goal.row(_figures(9, ratio)).split(" | ")[-1] == f"{word} |\n"


@pytest.mark.parametrize(("ratio", "word"), [(1.61, "**behind**"), (1.6, "reached"), (1.2, "goal")])
def test_an_upper_bound_holds_up_to_itself(ratio: float, word: str) -> None:
    goal = Goal("it", "made", PATHS, 1.6, 1.2, at_most=True)
    assert goal.row(_figures(1.0, ratio)).split(" | ")[-1] == f"{word} |\n"


def test_of_several_figures_the_worst_is_shown() -> None:
    goal = Goal("it", "made", PATHS, 1, 2)
    assert goal.measured(_figures(3, 1.5)) == 1.5
    assert Goal("it", "made", PATHS, 3, 2, at_most=True).measured(_figures(3, 1.5)) == 3


def test_what_was_not_measured_is_never_reached() -> None:
    for goal in GOALS:
        assert goal.row({}).endswith("| not measured |  |\n")


def test_every_comparison_has_goals() -> None:
    assert {PUSH, CONSUMER, QUERY} <= {goal.benchmark for goal in GOALS}
    assert table({}).count("\n") == len(GOALS) + 2
