"""`otklik import`: a file sent in parts, read by the service, and a report of what became of it."""

import csv
import hashlib
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from otklik.client import Client, fail
from otklik_contact_center.domain.mapping import Mapping, decode_mapping
from otklik_contact_center.domain.reading import Table, UnreadableError

IMPORTS: Final = "/contact-center/v1/imports"
CHUNK_BYTES: Final = 4 * 1024 * 1024
READ_BYTES: Final = 256 * 1024
PAGE: Final = 200

LEAST_PAUSE: Final = 0.1
MOST_PAUSE: Final = 2.0

ADDED: Final = ("refused_line", "refused_column", "refused_code", "refused_detail")
"""Columns of the file of refused rows, before those of the file itself."""

_NOT_MOVING: Final = 60.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that was not taken in: where and why."""

    column: str
    code: str
    detail: str


def import_contacts(
    url: str, key: str, *, file: Path, mapping: Path, source: str | None, as_json: bool
) -> None:
    """
    Import a file and report. Ends with 0 if it was read to its end, whatever rows it refused;
    with 1 if it was not.
    """
    said, meaning = _mapping(mapping)
    size = file.stat().st_size
    if size == 0:
        fail(f"{file} is empty")
    with closing(Client(url, key)) as client:
        job = client.post(
            IMPORTS,
            {
                "name": file.name[:200],
                "mapping": said,
                "source": source,
                "file_sha256": _digest(file),
                "size": size,
                "chunk_bytes": CHUNK_BYTES,
            },
        )
        known = job["state"] == "done"
        with _progress() as shown:
            if job["state"] == "receiving":
                _send(client, job, file, shown)
                job = client.post(f"{IMPORTS}/{job['id']}/start", None)
            job = _wait(client, job, shown)
        refusals = _refusals(client, job) if job["rows_refused"] else {}
    beside = _write_refused(file, meaning, refusals) if refusals else None
    if as_json:
        print(json.dumps(_as_json(job, refusals, beside, known=known), ensure_ascii=False))
    else:
        _tell(job, refusals, beside, known=known)
    if job["state"] == "failed":
        raise SystemExit(1)


def _mapping(path: Path) -> tuple[Any, Mapping]:
    """What is sent, and what it means here."""
    try:
        body = path.read_bytes()
        return json.loads(body), decode_mapping(body)
    except (ValueError, msgspec.MsgspecError) as wrong:
        fail(f"{path} is no mapping: {wrong}")


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    for part in _parts(file):
        digest.update(part)
    return digest.hexdigest()


def _parts(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while part := opened.read(READ_BYTES):
            yield part


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[unit]}"),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )


def _send(client: Client, job: dict[str, Any], file: Path, shown: Progress) -> None:
    """Send the parts that have not come yet."""
    size, length = job["size"], job["chunk_bytes"]
    missing = job["missing_chunks"]
    there = size - sum(min(length, size - number * length) for number in missing)
    task = shown.add_task("sending", total=size, completed=there, unit="")
    with file.open("rb") as opened:
        for number in missing:
            opened.seek(number * length)
            part = opened.read(length)
            client.call(
                "PUT",
                f"{IMPORTS}/{job['id']}/chunks/{number}",
                content=part,
                headers={"Content-Type": "application/octet-stream"},
            )
            shown.advance(task, len(part))


def _wait(client: Client, job: dict[str, Any], shown: Progress) -> dict[str, Any]:
    """Watch until the rows are taken in; the service goes on by itself if we are interrupted."""
    task = shown.add_task("reading", total=None, unit="rows")
    pause, moved_at, warned = LEAST_PAUSE, time.monotonic(), False
    while job["state"] in {"ready", "running"}:
        time.sleep(pause)
        pause = min(MOST_PAUSE, pause * 1.3)
        before, job = job, client.get(f"{IMPORTS}/{job['id']}")
        shown.update(task, total=job["rows_total"], completed=job["rows_read"])
        if job["changed_at"] != before["changed_at"]:
            moved_at, warned = time.monotonic(), False
        elif not warned and time.monotonic() - moved_at > _NOT_MOVING:
            warned = True
            print("nothing moves: do the workers of contact-center run?", file=sys.stderr)
    return job


def _refusals(client: Client, job: dict[str, Any]) -> dict[int, Refusal]:
    """Refused rows by line."""
    found: dict[int, Refusal] = {}
    cursor: str | None = None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = client.get(f"{IMPORTS}/{job['id']}/refused", limit=PAGE, **more)
        for row in page["items"]:
            found[row["line"]] = Refusal(row["column"] or "", row["code"], row["detail"])
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def _write_refused(file: Path, mapping: Mapping, refusals: dict[int, Refusal]) -> Path:
    """The refused rows beside the file, each with why; the rest of the file is read past."""
    form = mapping.format
    beside = file.with_name(file.name + ".refused.csv")
    try:
        table = Table(_parts(file), form)
        # What was not in the encoding goes out as it came in.
        with beside.open("w", encoding=form.encoding, errors="surrogateescape", newline="") as out:
            writer = csv.writer(out, delimiter=form.delimiter, quotechar=form.quote)
            writer.writerow((*ADDED, *table.header))
            for row in table:
                no = refusals.get(row.line)
                if no is not None:
                    writer.writerow((row.line, no.column, no.code, no.detail, *row.cells))
    except (OSError, UnreadableError) as broken:
        fail(f"the import is done, but {beside} could not be written: {broken}")
    return beside


def _as_json(
    job: dict[str, Any], refusals: dict[int, Refusal], beside: Path | None, *, known: bool
) -> dict[str, Any]:
    return {
        "import": job["id"],
        "state": job["state"],
        "source": job["source"],
        "imported_before": known,
        "rows": {
            "read": job["rows_read"],
            "accepted": job["rows_accepted"],
            "duplicates": job["rows_duplicate"],
            "skipped": job["rows_skipped"],
            "refused": job["rows_refused"],
        },
        "events": job["events"],
        "refused_by_code": dict(Counter(no.code for no in refusals.values()).most_common()),
        "refused_file": None if beside is None else str(beside),
        "failure": job["failure"],
    }


def _tell(
    job: dict[str, Any], refusals: dict[int, Refusal], beside: Path | None, *, known: bool
) -> None:
    if job["state"] == "failed":
        failure = job["failure"]
        print(f"import {job['id']} failed: {failure['code']}: {failure['detail']}", file=sys.stderr)
    elif known:
        print(f"import {job['id']}: this very file was imported before; its report:")
    else:
        print(f"import {job['id']} is done")
    print(f"  rows read   {job['rows_read']:>10,}")
    print(f"  accepted    {job['rows_accepted']:>10,}   with {job['events']:,} new events")
    print(f"  duplicates  {job['rows_duplicate']:>10,}   told only what was known")
    print(f"  skipped     {job['rows_skipped']:>10,}   as the mapping says")
    print(f"  refused     {job['rows_refused']:>10,}")
    columns = Counter((no.code, no.column) for no in refusals.values())
    for (code, column), count in columns.most_common(10):
        print(f"    {count:>8,} {code}{f' in {column}' if column else ''}")
    if beside is not None:
        print(f"  refused rows, each with its reason: {beside}")
    if len(refusals) < job["rows_refused"]:
        print(f"  only the first {len(refusals):,} of them were kept")
