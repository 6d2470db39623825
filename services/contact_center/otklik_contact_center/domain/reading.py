"""
Rows out of the bytes of a CSV file, whole or gzipped, however the bytes are cut into chunks.

Memory is bounded: by a chunk, by the longest line, by csv's longest cell.
"""

import codecs
import csv
import io
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final, NamedTuple

from otklik_contact_center.domain.mapping import Format

MAX_LINE: Final = 1024 * 1024
MAX_UNPACKED: Final = 8 * 1024 * 1024 * 1024
PIECE: Final = 256 * 1024
_GZIP: Final = b"\x1f\x8b"


class UnreadableError(Exception):
    """
    The file as a whole cannot be read.

    Attributes:
        code: bad_gzip, line_too_long, file_too_large, no_header, bad_header.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Row(NamedTuple):
    """
    A row.

    Attributes:
        number: From 0; blank lines are not counted.
        line: Of the file, from 1, on which it begins.
        fault: Code and detail, if it is no row of this table; its cells are then whatever was read.
    """

    number: int
    line: int
    cells: list[str]
    fault: tuple[str, str] | None = None


class Table:
    """
    A file's header and rows.

    Raises:
        UnreadableError: Here for the header, later while rows are read.
    """

    def __init__(self, chunks: Iterable[bytes], form: Format) -> None:
        self._lines = _lines(_texts(unpacked(chunks), form.encoding))
        self._skipped = 0
        for _ in range(form.skip_lines):
            if next(self._lines, None) is not None:
                self._skipped += 1
        self._reader = csv.reader(
            self._lines, delimiter=form.delimiter, quotechar=form.quote, strict=True
        )
        self.header = self._first() if form.header is None else list(form.header)

    def _first(self) -> list[str]:
        try:
            for cells in self._reader:
                if cells:
                    return [cell.strip() for cell in cells]
        except csv.Error as wrong:
            raise UnreadableError("bad_header", f"the header is no line of CSV: {wrong}") from None
        raise UnreadableError("no_header", "the file is empty")

    def __iter__(self) -> Iterator[Row]:
        width = len(self.header)
        number = 0
        while True:
            line = self._skipped + self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error:
                yield Row(number, line, [], ("malformed_row", "the line is no line of CSV"))
                number += 1
                continue
            if not cells:
                continue
            if len(cells) != width:
                fault = ("wrong_columns", f"{len(cells)} columns where the header has {width}")
                yield Row(number, line, cells, fault)
            else:
                yield Row(number, line, cells)
            number += 1


def unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes, inflated if they are gzip, in small pieces. Raises UnreadableError."""
    source = iter(chunks)
    head = b""
    for chunk in source:
        head += chunk
        if len(head) >= len(_GZIP):
            break
    pieces = _again(head, source)
    if not head.startswith(_GZIP):
        yield from pieces
        return
    total = 0
    for piece in _inflated(pieces):
        total += len(piece)
        if total > MAX_UNPACKED:
            raise UnreadableError("file_too_large", f"more than {MAX_UNPACKED} bytes unpacked")
        yield piece


def _again(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    for chunk in chain((head,), rest):
        for at in range(0, len(chunk), PIECE):
            yield chunk[at : at + PIECE]


def _inflated(pieces: Iterator[bytes]) -> Iterator[bytes]:
    inflate = zlib.decompressobj(wbits=31)
    begun = False
    try:
        for piece in pieces:
            waiting = piece
            while waiting:
                if inflate.eof:  # a file may be several gzip files, one after another
                    inflate = zlib.decompressobj(wbits=31)
                begun = True
                yield inflate.decompress(waiting, PIECE)
                waiting = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
        while not inflate.eof:
            # What zlib holds back comes out with an empty push; nothing more: the file is cut.
            rest = inflate.decompress(b"", PIECE)
            if not rest:
                break
            yield rest
    except zlib.error:
        raise UnreadableError("bad_gzip", "the file is no sound gzip file") from None
    if begun and not inflate.eof:
        raise UnreadableError("bad_gzip", "the gzip file ends before its end")


def _texts(pieces: Iterable[bytes], encoding: str) -> Iterator[str]:
    """Text with \\n for every kind of line end; what is not in the encoding, as surrogates."""
    name = "utf-8-sig" if encoding == "utf-8" else encoding
    bytes_decoder = codecs.getincrementaldecoder(name)(errors="surrogateescape")
    decoder = io.IncrementalNewlineDecoder(bytes_decoder, translate=True)
    for piece in pieces:
        yield decoder.decode(piece)
    yield decoder.decode(b"", final=True)


def _lines(texts: Iterable[str]) -> Iterator[str]:
    """Lines with their ends."""
    pending = ""
    for text in texts:
        first, *others = text.split("\n")
        pending += first
        for other in others:
            yield pending + "\n"
            pending = other
        if len(pending) > MAX_LINE:
            raise UnreadableError("line_too_long", f"a line has more than {MAX_LINE} characters")
    if pending:
        yield pending
