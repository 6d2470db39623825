"""The rows of quality of talk and of recordings: see `routes_table_rows`."""

from collections.abc import Mapping
from typing import Any, Final

from tests.support.routes_table import AT, PUBLIC, Row, same

ANSWERS: Final[Mapping[str, str]] = {"named": "yes"}
"""By the form below."""

FORM: Final[Mapping[str, Any]] = {
    "sections": [{"code": "all", "questions": [{"code": "named"}]}],
}

SCORING: Final = "scoring"
"""A form that every company has."""

WHY: Final = {"note": "because"}

# Nobody else changes a draft, but for those who may change all of them.
NOT_THE_MAKER: Final = {"manager own": 403, "right key own": 403, "right key other": 403}

# A key speaks for agents; of the staff only the agent whose contact it was says anything.
NOT_THE_EVALUATED: Final = {
    "agent": 404,
    "manager own": 403,
    "head own": 403,
    "admin own": 403,
    "admin other": 403,
}

A_REPORT: Final[Mapping[str, Any]] = {"visited_at": AT, "answers": ANSWERS}


def a_visit(branch: str) -> dict[str, Any]:
    """A visit that needs no evidence."""
    return {
        "form": SCORING,
        "branch": branch,
        "shopper": "s-7",
        "begins_at": "2026-03-01T00:00:00Z",
        "due_at": "2026-03-09T00:00:00Z",
        "least_evidence": 0,
    }


SCRIPTED: Final = "talk"
"""A script that every company has, meant for all contacts."""

FOR_ALL: Final[Mapping[str, Any]] = {"items": [{"code": "named"}]}

A_SCRIPT: Final[Mapping[str, Any]] = {**FOR_ALL, "meant": {"queue": "nobody's"}}
"""What is put and retired here changes what is meant for no contact."""

WINTER: Final = {"from": "2026-01-01T00:00:00Z", "to": "2026-03-01T00:00:00Z"}

TICKED: Final[Mapping[str, Any]] = {
    "script": SCRIPTED,
    "answers": [{"item": "named", "answer": "done"}],
}

QUALITY: Final[Mapping[str, Row | tuple[Row, ...]]] = {
    "GET /contact-center/v1/evaluation-forms": Row("evaluations:read"),
    "GET /contact-center/v1/evaluation-forms/{code}": Row("evaluations:read", of="scorecard"),
    "PUT /contact-center/v1/evaluation-forms/{code}": Row(
        "quality:write", of="form", body=same(FORM), missing=200, limited=403, but={"manager": 403}
    ),
    "DELETE /contact-center/v1/evaluation-forms/{code}": Row(
        "quality:write", of="scorecard", ok=204, limited=403, fresh=True
    ),
    "GET /contact-center/v1/evaluations": Row("evaluations:read"),
    "POST /contact-center/v1/evaluations": Row(
        "evaluations:write",
        of="call",
        ok=201,
        body=lambda ask: {"contact": ask.id, "form": SCORING, "answers": ANSWERS},
        away=404,
        fresh=True,
    ),
    "GET /contact-center/v1/evaluations/{evaluation_id}": Row(
        "evaluations:read", of="evaluation", away=404, but={"agent": 404}
    ),
    "PUT /contact-center/v1/evaluations/{evaluation_id}": Row(
        "evaluations:write",
        of="evaluation",
        body=same({"answers": ANSWERS}),
        away=404,
        but=NOT_THE_MAKER,
    ),
    "POST /contact-center/v1/evaluations/{evaluation_id}/release": Row(
        "evaluations:write",
        of="evaluation",
        body=same({}),
        away=404,
        fresh=True,
        but=NOT_THE_MAKER,
    ),
    "POST /contact-center/v1/evaluations/{evaluation_id}/acknowledge": Row(
        "evaluations:answer",
        of="released",
        body=same({}),
        away=404,
        fresh=True,
        but=NOT_THE_EVALUATED,
    ),
    "POST /contact-center/v1/evaluations/{evaluation_id}/dispute": Row(
        "evaluations:answer",
        of="released",
        body=same(WHY),
        away=404,
        fresh=True,
        but=NOT_THE_EVALUATED,
    ),
    "POST /contact-center/v1/evaluations/{evaluation_id}/resolve": Row(
        "quality:write",
        of="disputed",
        body=same({"verdict": "upheld", **WHY}),
        away=404,
        fresh=True,
    ),
    "POST /contact-center/v1/evaluations/{evaluation_id}/withdraw": Row(
        "evaluations:write",
        of="evaluation",
        body=same(WHY),
        away=404,
        fresh=True,
        but=NOT_THE_MAKER,
    ),
    "GET /contact-center/v1/calibrations": Row("evaluations:write"),
    "POST /contact-center/v1/calibrations": Row(
        "quality:write",
        of="call",
        ok=201,
        body=lambda ask: {"contact": ask.id, "form": SCORING},
        away=404,
    ),
    "GET /contact-center/v1/calibrations/{calibration_id}": Row(
        "evaluations:write", of="calibration", away=404
    ),
    "PUT /contact-center/v1/calibrations/{calibration_id}/answers": Row(
        "evaluations:write", of="calibration", body=same({"answers": ANSWERS}), away=404
    ),
    "POST /contact-center/v1/calibrations/{calibration_id}/close": Row(
        "quality:write", of="calibrated", body=same({"agreed": ANSWERS}), away=404, fresh=True
    ),
    "GET /contact-center/v1/mystery-visits": Row("evaluations:write"),
    "POST /contact-center/v1/mystery-visits": Row(
        "quality:write", ok=201, body=lambda ask: a_visit(ask.branch)
    ),
    "GET /contact-center/v1/mystery-visits/{visit_id}": Row(
        "evaluations:write", of="visit", away=404
    ),
    "POST /contact-center/v1/mystery-visits/{visit_id}/report": Row(
        "evaluations:write", of="visit", body=same(A_REPORT), away=404, fresh=True
    ),
    "POST /contact-center/v1/mystery-visits/{visit_id}/accept": Row(
        "quality:write",
        of="visited",
        body=same({}),
        away=404,
        fresh=True,
    ),
    "POST /contact-center/v1/mystery-visits/{visit_id}/reject": Row(
        "quality:write",
        of="visited",
        body=same({"reason": "because"}),
        away=404,
        fresh=True,
    ),
    "POST /contact-center/v1/mystery-visits/{visit_id}/cancel": Row(
        "quality:write", of="visit", body=same({"reason": "because"}), away=404, fresh=True
    ),
    "GET /contact-center/v1/evaluation-rules": Row("evaluations:write"),
    "GET /contact-center/v1/evaluation-rules/{code}": Row("evaluations:write", of="lots"),
    "PUT /contact-center/v1/evaluation-rules/{code}": Row(
        "quality:write",
        of="rule",
        body=lambda _: {"form": SCORING, "percent": 5},
        missing=200,
        limited=403,
        but={"manager": 403},
    ),
    "DELETE /contact-center/v1/evaluation-rules/{code}": Row(
        "quality:write", of="lots", ok=204, limited=403, fresh=True
    ),
    "GET /contact-center/v1/evaluation-sample": Row(
        "evaluations:write", of="lots", query={"rule": "{id}"}
    ),
    "GET /contact-center/v1/evaluation-sample/coverage": Row(
        "evaluations:write", of="lots", query={"rule": "{id}"}
    ),
    "GET /contact-center/v1/script-presets": Row("contacts:read"),
    "GET /contact-center/v1/scripts": Row("contacts:read"),
    "GET /contact-center/v1/scripts/{code}": Row("contacts:read", of="playbook"),
    "PUT /contact-center/v1/scripts/{code}": Row(
        "quality:write",
        of="script",
        body=same(A_SCRIPT),
        missing=200,
        limited=403,
        but={"manager": 403},
    ),
    "DELETE /contact-center/v1/scripts/{code}": Row(
        "quality:write", of="playbook", ok=204, limited=403, fresh=True
    ),
    "GET /contact-center/v1/scripts/{code}/skipped": Row(
        "contacts:read", of="playbook", query=WINTER
    ),
    "GET /contact-center/v1/scripts/{code}/endings": Row(
        "contacts:read", of="playbook", query=WINTER
    ),
    "GET /contact-center/v1/contacts/{contact_id}/script": Row(
        "contacts:read", of="ticked", away=404
    ),
    # Agents tick contacts of their own, and read what was ticked there: this one is petrova's.
    "PUT /contact-center/v1/contacts/{contact_id}/script": Row(
        "checklists:write", of="ticked", body=same(TICKED), away=404, but={"agent own": 403}
    ),
    "GET /contact-center/v1/contacts/{contact_id}/script/revisions": Row(
        "contacts:read", of="ticked", away=404, but={"agent own": 403}
    ),
    # It lies at a private address, from which nothing is fetched.
    "POST /contact-center/v1/contacts/{contact_id}/recording-links": Row(
        "contacts:read", of="recorded", ok=409, body=same({}), away=404, but={"agent": 404}
    ),
    "GET /contact-center/v1/recordings/{link}": Row(PUBLIC, ok=404),
    "GET /contact-center/v1/recording-plays": Row("quality:write"),
    "GET /contact-center/v1/head-lines": Row("sources:write", limited=403),
    "PUT /contact-center/v1/head-lines": Row(
        "sources:write", body=same({"lines": []}), limited=403
    ),
    "GET /contact-center/v1/recording-hosts": Row("sources:write", limited=403),
    "PUT /contact-center/v1/recording-hosts": Row(
        "sources:write", body=same({"hosts": []}), limited=403
    ),
}
