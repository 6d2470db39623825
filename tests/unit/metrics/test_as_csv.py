"""An answer as CSV: the same numbers, and nothing that a spreadsheet would run."""

import csv
import io
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_metrics.api.as_csv import FORMULA, as_csv, is_preferred


def a_cell(value: float | None, **said: Any) -> dict[str, Any]:
    """A cell of an answer."""
    plain = {"n": 1, "numerator": None, "denominator": None, "reason": None, "previous": None}
    return {"value": value, **plain, **said}


def an_answer(*rows: dict[str, Any]) -> dict[str, Any]:
    """An answer by branch with one metric."""
    columns = [("bucket", "bucket"), ("branch", "dimension"), ("sl20", "metric")]
    return {
        "columns": [{"name": name, "kind": kind} for name, kind in columns],
        "rows": [{"bucket": None, **row} for row in rows],
    }


def read(text: str) -> list[dict[str, str]]:
    """What another program reads."""
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


@pytest.mark.parametrize(
    ("accept", "csv_wanted"),
    [
        ("text/csv", True),
        ("TEXT/CSV; charset=utf-8", True),
        ("text/csv, application/json;q=0.5", True),
        ("text/csv, */*;q=0.1", True),
        ("text/csv, application/json", True),
        ("application/json, text/csv", False),
        ("application/json, text/csv;q=0.9", False),
        ("text/csv;q=0", False),
        ("text/csv;q=much", False),
        ("text/*", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_csv_is_given_to_whoever_names_it(accept: str, *, csv_wanted: bool) -> None:
    assert is_preferred(accept) is csv_wanted


def test_a_row_has_the_value_its_base_and_why_there_is_none() -> None:
    text = as_csv(
        an_answer(
            {"branch": "tyumen", "sl20": a_cell(0.8, n=5, numerator=4, denominator=5)},
            {"branch": None, "sl20": a_cell(None, n=None, reason="suppressed")},
        ),
        rest=False,
        compared=False,
    )
    assert text == (
        '"bucket","branch","sl20","sl20.n","sl20.numerator","sl20.denominator","sl20.reason"\r\n'
        ',"tyumen",0.8,5,4,5,\r\n'
        ',,,,,,"suppressed"\r\n'
    )


def test_the_rest_of_a_top_and_the_period_before_have_columns() -> None:
    text = as_csv(
        an_answer(
            {"branch": "tyumen", "sl20": a_cell(1.0, previous=a_cell(0.5))},
            {"branch": None, "other": True, "sl20": a_cell(0.25)},
        ),
        rest=True,
        compared=True,
    )
    first, other = read(text)
    assert (first["other"], first["sl20.previous"]) == ("false", "0.5")
    assert (other["other"], other["sl20.previous"]) == ("true", "")


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53))
def test_numbers_are_those_of_json_to_the_last_digit(value: float) -> None:
    (row,) = read(
        as_csv(an_answer({"branch": "b", "sl20": a_cell(value)}), rest=False, compared=False)
    )
    assert row["sl20"] == orjson.dumps(value).decode()


@given(st.text())
def test_any_text_comes_out_as_it_was_but_for_the_mark_before_a_formula(text: str) -> None:
    (row,) = read(
        as_csv(an_answer({"branch": text, "sl20": a_cell(1)}), rest=False, compared=False)
    )
    assert row["branch"].removeprefix("'") == text.removeprefix("'")
    assert row["branch"][:1] not in FORMULA
    assert row["branch"].lstrip()[:1] not in FORMULA


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+79991234567",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =cmd|' /C calc'!A0",
        "\u00a0=1",
        "＝1+1",
        "＋1",
        "－1",
        "＠A1",
        '=HYPERLINK("http://evil.example","x")',
    ],
)
def test_no_text_is_a_formula(text: str) -> None:
    (row,) = read(
        as_csv(an_answer({"branch": text, "sl20": a_cell(1)}), rest=False, compared=False)
    )
    assert row["branch"] == f"'{text}"


def test_a_negative_number_stays_a_number() -> None:
    (row,) = read(
        as_csv(an_answer({"branch": "b", "sl20": a_cell(-20.5)}), rest=False, compared=False)
    )
    assert row["sl20"] == "-20.5"


@pytest.mark.parametrize("between", [";", "\t", "\n", "; ", ";'"])
def test_where_cells_are_parted_by_other_signs_no_formula_begins(between: str) -> None:
    text = as_csv(
        an_answer({"branch": f"tyumen{between}=cmd|'/C calc'!A1;x", "sl20": a_cell(1.0)}),
        rest=False,
        compared=False,
    )
    (row,) = read(text)
    assert row["branch"] == f"tyumen{between}'=cmd|'/C calc'!A1;x"
