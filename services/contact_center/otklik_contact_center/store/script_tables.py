"""The tables of scripts and their checklists."""

from typing import Final

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from otklik_common.roles import Grant
from otklik_contact_center.store.columns import (
    code,
    documents,
    metadata,
    moment,
    published,
    tenant,
)

script, script_version = documents(
    "script",
    comment="What conversations must contain, and the version that holds now",
    versions="Scripts as they were read: checklists keep the version that they were made with",
)

script_run = Table(
    "script_run",
    metadata,
    tenant(),
    Column("contact", Uuid, primary_key=True, nullable=False),
    *published(),
    code("script", nullable=False),
    Column("script_version", Integer, nullable=False),
    code("branch"),
    code("agent", nullable=False),
    Column("asked", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("results", JSONB, nullable=False),
    Column("answers", JSONB, nullable=False),
    Column("words", LargeBinary, nullable=False),
    Column("number", Integer, nullable=False),
    moment("filled_at", nullable=False),
    code("filled_by", nullable=False),
    moment("corrected_at"),
    comment="What of a script was done in each contact, as published; number counts how often it was"
    " written, results are of the items that were asked, words sealed",
)
Index(
    "script_run_filled",
    script_run.c.tenant,
    script_run.c.script,
    script_run.c.filled_at,
)

script_run_revision = Table(
    "script_run_revision",
    metadata,
    tenant(),
    Column("contact", Uuid, primary_key=True, nullable=False),
    Column("number", Integer, primary_key=True, autoincrement=False, nullable=False),
    moment("at", nullable=False),
    code("by", nullable=False),
    code("script", nullable=False),
    Column("script_version", Integer, nullable=False),
    Column("answers", JSONB, nullable=False),
    Column("words", LargeBinary, nullable=False),
    comment="Checklists as they were written each time; only appended to, words sealed",
)

SCRIPT_GRANTS: Final = {
    "script": Grant(api="SIU"),
    "script_version": Grant(api="SI"),
    "script_run": Grant(api="SIU", worker="SU"),
    "script_run_revision": Grant(api="SI"),
}
