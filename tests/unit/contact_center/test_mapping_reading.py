"""Files read: however they are cut, packed and written, the same rows; in bounded memory."""

import gzip
import io
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otklik_contact_center.domain import reading, reading_survey
from otklik_contact_center.domain.mapping import Format, decode_mapping
from otklik_contact_center.domain.mapping_rows import Translator
from otklik_contact_center.domain.reading import Row, Table, UnreadableError
from otklik_contact_center.domain.reading_job import Job, job_id
from otklik_contact_center.domain.reading_survey import survey
from tests.unit.contact_center.mapping_builders import (
    HEADER,
    NOW,
    a_file,
    a_mapping,
    a_row,
    read_all,
)

EXAMPLES = Path(__file__).parents[3] / "docs" / "imports"


def table(data: bytes | Sequence[bytes], **form: Any) -> tuple[list[str], list[Row]]:
    found = Table([data] if isinstance(data, bytes) else data, Format(**form))
    return found.header, list(found)


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def test_a_plain_file() -> None:
    header, rows = table(b"a,b\n1,2\n\n3,4\r\n5,6")
    assert header == ["a", "b"]
    assert [(row.number, row.line, row.cells) for row in rows] == [
        (0, 2, ["1", "2"]),
        (1, 4, ["3", "4"]),
        (2, 5, ["5", "6"]),
    ]


def test_cells_with_lines_and_quotes_in_them() -> None:
    _, rows = table(b'a,b\n"1\n2","say ""x"""\r\n3,4\n')
    assert [(row.line, row.cells) for row in rows] == [(2, ["1\n2", 'say "x"']), (4, ["3", "4"])]


def test_ways_of_writing() -> None:
    text = "отчёт\nимя;где\nАнна;Омск\n"
    for encoding in ("utf-8", "windows-1251", "koi8-r", "cp866", "iso-8859-5"):
        header, rows = table(text.encode(encoding), delimiter=";", encoding=encoding, skip_lines=1)
        assert header == ["имя", "где"]
        assert [(row.line, row.cells) for row in rows] == [(3, ["Анна", "Омск"])]
    assert table("\ufeffa\n1\n".encode())[0] == ["a"]
    assert [row.line for row in table(b"1\n2\n", header=["a"])[1]] == [1, 2]
    assert [row.cells for row in table(b"a\r1\r2\r")[1]] == [["1"], ["2"]]
    assert table(b"a\n'1'\n", quote="'")[1][0].cells == ["1"]


def test_rows_that_are_no_rows() -> None:
    _, rows = table(b'a,b\n1\n1,2,3\n"x"y,2\n3,4\n"open\n')
    assert [(row.line, row.fault and row.fault[0]) for row in rows] == [
        (2, "wrong_columns"),
        (3, "wrong_columns"),
        (4, "malformed_row"),
        (5, None),
        (6, "malformed_row"),
    ]


def test_bytes_that_are_not_in_the_encoding_spoil_their_row_alone() -> None:
    found = dict(read_all(a_mapping(), [a_file(a_row("r1"), a_row("r2")) + b"r3,\xff\xfe,,,\n"]))
    assert [type(found[line]).__name__ for line in (2, 3)] == ["list", "list"]
    assert found[4] == "invalid_encoding"


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_files_without_a_header(data: bytes) -> None:
    with pytest.raises(UnreadableError) as no:
        table(data)
    assert no.value.code == "no_header"


def test_a_header_that_is_no_csv() -> None:
    with pytest.raises(UnreadableError) as no:
        table(b'"a"b,c\n1,2\n')
    assert no.value.code == "bad_header"


@pytest.mark.parametrize("spoil", ["cut", "changed"])
def test_gzip_that_is_spoilt(spoil: str) -> None:
    packed = gzip.compress(b"a,b\n" + b"1,2\n" * 1000)
    data = packed[:-9] if spoil == "cut" else packed[:20] + b"\0\0\0\0" + packed[24:]
    with pytest.raises(UnreadableError) as no:
        table(data)
    assert no.value.code == "bad_gzip"


def test_gzip_of_several_parts() -> None:
    _, rows = table(gzip.compress(b"a\n1\n") + gzip.compress(b"2\n"))
    assert [row.cells for row in rows] == [["1"], ["2"]]


def test_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield b"x" * reading.PIECE
        raise AssertionError("read on")

    with pytest.raises(UnreadableError) as no:
        Table(endless(), Format())
    assert no.value.code == "line_too_long"


def test_a_cell_without_end_is_refused() -> None:
    _, rows = table(b'a\n"' + b"x\n" * 100_000 + b"\n")
    assert rows[0].fault is not None
    assert rows[0].line == 2


def test_a_small_file_that_unpacks_to_a_large_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_UNPACKED", 4 * reading.PIECE)
    packed = gzip.compress(b"a,b\n" + b"1,2\n" * 1_000_000)
    with pytest.raises(UnreadableError) as no:
        table(packed)
    assert no.value.code == "file_too_large"


def test_too_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_survey, "MAX_ROWS", 2)
    data = a_file(a_row("1"), a_row("2"), a_row("3"))
    with pytest.raises(UnreadableError) as no:
        list(read_all(a_mapping(), [data]))
    assert no.value.code == "too_many_rows"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c", "№ 7", ""]),
            st.sampled_from(["2026-03-02 09:00:00", "2026-03-29 02:30:00", "x", ""]),
            st.sampled_from(["2026-03-02 10:00:00", "2025-01-01 00:00:00", ""]),
            st.sampled_from(["Open", 'say "hi"', "two\nlines", "a,b", ""]),
        ),
        max_size=8,
    ),
    st.lists(st.integers(0, 10_000), max_size=6),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
)
def test_however_a_file_is_cut_and_packed_its_events_are_the_same(
    rows: list[tuple[str, str, str, str]], places: list[int], packs: bool, end: str
) -> None:
    mapping = a_mapping(fields={"attributes.status": {"column": "status"}})
    text = io.StringIO()
    for row in (HEADER, *((*row, "") for row in rows)):
        text.write(",".join('"' + cell.replace('"', '""') + '"' for cell in row) + end)
    plain = text.getvalue().encode()
    whole = list(read_all(mapping, [plain]))
    data = gzip.compress(plain) if packs else plain
    assert list(read_all(mapping, cut(data, places))) == whole
    assert list(read_all(mapping, [bytes([byte]) for byte in data])) == whole


def outranked(repeated: str, rows: Sequence[Sequence[str]], **key: Any) -> list[int]:
    mapping = a_mapping(
        key={"columns": ["id"], "repeated": repeated, **key},
        skip=[{"column": "status", "in": ["skip"]}],
    )
    data = a_file(*rows)
    made = Table([data], mapping.format)
    found = survey(made, Translator(mapping, made.header))
    assert found.total == len(rows)
    return [number for number in range(len(rows)) if found.is_outranked(number)]


OF_ONE_KEY = [
    a_row("r1", status="skip"),
    a_row("r1", closed="2026-03-02 12:00:00"),
    a_row("r2"),
    a_row("r1", closed="2026-03-02 13:00:00"),
    a_row("r1", closed=""),
    a_row("r1", closed="soon"),
    a_row("r1", created="soon", closed="2026-03-02 11:00:00"),
    a_row(""),
    a_row(""),
]


def test_which_row_of_a_key_counts() -> None:
    assert outranked("refuse", OF_ONE_KEY) == [3, 4, 5, 6]
    assert outranked("first", OF_ONE_KEY) == [3, 4, 5, 6]
    assert outranked("last", OF_ONE_KEY) == [1, 3, 4, 5]
    assert outranked("last", OF_ONE_KEY, latest_by="closed") == [1, 4, 5, 6]
    assert outranked("merge", OF_ONE_KEY) == []
    assert outranked("first", []) == []


def test_the_last_of_equally_late_rows_counts() -> None:
    rows = [a_row("r1"), a_row("r1"), a_row("r1", closed="2026-03-02 09:30:00")]
    assert outranked("last", rows, latest_by="closed") == [0, 2]


def test_an_import_is_known_by_source_file_and_mapping() -> None:
    ids = {
        job_id(tenant, source, file, mapping, attempt)
        for tenant in ("a", "b")
        for source in ("s", "t")
        for file in ("0" * 64, "1" * 64)
        for mapping in (a_mapping(), a_mapping(key={"columns": ["id"], "prefix": "x"}))
        for attempt in (0, 1)
    }
    assert len(ids) == 32
    assert job_id("a", "s", "0", a_mapping(), 0) == job_id("a", "s", "0", a_mapping(), 0)


def test_the_parts_of_a_file() -> None:
    job = Job(
        tenant="a",
        id="i",
        source="s",
        name="n",
        mapping=a_mapping(),
        state="receiving",
        principal="key:x",
        file_hash="0",
        bytes=2_500,
        chunk_bytes=1_024,
        created_at=NOW,
        changed_at=NOW,
    )
    assert job.chunks == 3
    assert [job.chunk_length(number) for number in range(4)] == [1024, 1024, 452, 0]


def test_the_example_of_the_documents() -> None:
    mapping = decode_mapping((EXAMPLES / "example.json").read_bytes())
    found = list(read_all(mapping, [(EXAMPLES / "example.csv").read_bytes()]))
    assert [line for line, told in found if isinstance(told, list)] == [2, 3, 5, 9]
    assert [told for line, told in found if isinstance(told, str)] == [
        "unknown_value",
        "time_order",
        "not_a_time",
    ]
