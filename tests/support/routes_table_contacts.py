"""The rows of the contact centre: see `routes_table_rows`."""

from collections.abc import Mapping
from typing import Final

from tests.support.routes_table import (
    AT,
    LEASING,
    NAMES,
    PUBLIC,
    VISITOR,
    Row,
    coached,
    event,
    lead_step,
    paced,
    promise,
    same,
    spent,
)
from tests.support.routes_table_quality import QUALITY, WINTER

Rows = Mapping[str, Row | tuple[Row, ...]]

CONTACT_CENTER: Final[Rows] = {
    "POST /contact-center/v1/events": (
        Row("events:push", ok=202, body=event),
        # Through a source of the whole company nobody pushes for a branch alone.
        Row(
            "events:push",
            of="source",
            ok=202,
            body=event,
            query={"source": "{id}"},
            # Nor does a page, whose key anybody may read.
            but={"narrow key": 404, "publishable": 404},
        ),
    ),
    # They are of whatever branch, and show what senders wrote to those with contacts:write.
    "GET /contact-center/v1/events/refused": Row("sources:write contacts:write", limited=403),
    "POST /contact-center/v1/events/refused:replay": Row(
        "sources:write contacts:write", ok=202, body=same({"ids": [1]}), limited=403
    ),
    "POST /contact-center/v1/sources/{source_id}/hook": Row(
        PUBLIC, of="source", ok=401, missing=401, body=event
    ),
    "POST /contact-center/v1/sources/{source_id}/hook/{rest:path}": Row(
        PUBLIC, of="source", ok=401, missing=401, body=event
    ),
    "GET /contact-center/v1/sources/{source_id}/bodies": Row(
        "sources:write", of="exchange", limited=403
    ),
    "POST /contact-center/v1/sources/{source_id}/bodies:replay": Row(
        "sources:write", of="exchange", body=same({}), ok=202, limited=403
    ),
    "POST /contact-center/v1/sources/{source_id}/bodies:dry-run": Row(
        "sources:write", of="exchange", body=same({}), limited=403
    ),
    "GET /contact-center/v1/sources/{source_id}/directions": Row(
        "sources:write", of="source", limited=403
    ),
    "GET /contact-center/v1/number-trackers": Row("sources:write", limited=403),
    "GET /contact-center/v1/number-trackers/{code}": Row("sources:write", of="site", limited=403),
    "PUT /contact-center/v1/number-trackers/{code}": Row(
        "sources:write", of="tracker", body=same({}), missing=200, limited=403
    ),
    "DELETE /contact-center/v1/number-trackers/{code}": Row(
        "sources:write", of="site", ok=204, limited=403, fresh=True
    ),
    "GET /contact-center/v1/number-trackers/{code}/explanation": Row(
        "sources:write", of="site", query={"url": "https://a.example/"}, limited=403
    ),
    "GET /contact-center/v1/number-trackers/{code}/health": Row(
        "sources:write", of="site", limited=403
    ),
    "POST /contact-center/v1/number-leases": Row(
        "events:push",
        of="site",
        body=lambda ask: {"tracker": ask.id, "visitor": VISITOR, "url": "https://a.example/"},
    ),
    "POST /contact-center/v1/number-leases/{lease}:heartbeat": Row(
        "events:push", of="lease", ok=204, body=same({"tracker": LEASING, "visitor": VISITOR})
    ),
    "POST /contact-center/v1/number-leases/{lease}:release": Row(
        "events:push",
        of="lease",
        ok=204,
        body=same({"tracker": LEASING, "visitor": VISITOR}),
        fresh=True,
    ),
    "GET /contact-center/v1/number-attribution": Row(
        "contacts:read", query={"number": "+74951230001", "at": AT}, limited=403
    ),
    "GET /contact-center/v1/numbers.js": Row(PUBLIC),
    **QUALITY,
    "POST /contact-center/v1/agent-states": Row(
        "events:push",
        ok=202,
        body=lambda ask: {"id": f"s{ask.number}", "agent": "petrova", "state": "break", "at": AT},
        but={"publishable": 403},
    ),
    "POST /contact-center/v1/lead-steps": Row(
        "events:push", ok=202, body=lead_step, but={"publishable": 403}
    ),
    "GET /contact-center/v1/lead-steps": Row("contacts:read"),
    "GET /contact-center/v1/leads": Row("contacts:read"),
    "GET /contact-center/v1/leads/{contact_id}": Row("contacts:read", of="lead", away=404),
    # A source pushes for every branch.
    "POST /contact-center/v1/sources": Row(
        "sources:write", ok=201, body=lambda ask: {"name": f"pbx {ask.number}"}, limited=403
    ),
    "GET /contact-center/v1/sources": Row("sources:write", limited=403),
    "GET /contact-center/v1/sources:health": Row("sources:write contacts:read"),
    "GET /contact-center/v1/sources/{source_id}/health": Row(
        "sources:write", of="source", limited=403
    ),
    "PATCH /contact-center/v1/sources/{source_id}": Row(
        "sources:write", of="source", body=same({"require_signature": False}), limited=403
    ),
    "POST /contact-center/v1/sources/{source_id}/secret": Row(
        "sources:write", of="source", limited=403
    ),
    "GET /contact-center/v1/attributes": Row("sources:write", limited=403),
    "PUT /contact-center/v1/attributes": Row("sources:write", body=same(NAMES), limited=403),
    "DELETE /contact-center/v1/demo": Row("demo:write", ok=202, limited=403),
    "GET /contact-center/v1/demo": Row("demo:write", limited=403),
    # A file names branches row by row.
    "POST /contact-center/v1/imports": Row(
        "contacts:write", ok=201, body=lambda ask: ask.known["file"], limited=403
    ),
    "PUT /contact-center/v1/imports/{import_id}/chunks/{number}": Row(
        "contacts:write", of="import", ok=204, body=same(b"id\n"), limited=403, fresh=True
    ),
    "POST /contact-center/v1/imports/{import_id}/start": Row(
        "contacts:write", of="import", ok=409, limited=403
    ),
    "GET /contact-center/v1/imports/{import_id}": Row("contacts:write", of="import", limited=403),
    "GET /contact-center/v1/imports/{import_id}/refused": Row(
        "contacts:write", of="import", limited=403
    ),
    "GET /contact-center/v1/contacts": Row("contacts:read"),
    "POST /contact-center/v1/contacts:find": Row(
        "contacts:read", body=same({"phone": "+79990001122"})
    ),
    "GET /contact-center/v1/promises": Row("contacts:read"),
    "GET /contact-center/v1/promises/{promise}": Row("contacts:read", of="promise", away=404),
    "PUT /contact-center/v1/promises/{promise}": Row(
        "promises:write",
        of="promise",
        body=lambda ask: promise(ask.branch),
        missing=200,
        away=404,
        fresh=True,
    ),
    "POST /contact-center/v1/promises/{promise}/keep": Row(
        "promises:write", of="promise", body=same({}), away=404, fresh=True
    ),
    "POST /contact-center/v1/promises/{promise}/cancel": Row(
        "promises:write", of="promise", away=404, fresh=True
    ),
    "GET /contact-center/v1/promise-kinds": Row("contacts:read"),
    # What agents may promise is the same in every branch.
    "PUT /contact-center/v1/promise-kinds/{code}": Row(
        "sources:write", of="promisable", body=same({}), missing=200, limited=403
    ),
    "DELETE /contact-center/v1/promise-kinds/{code}": Row(
        "sources:write", of="unpromised", ok=204, limited=403, fresh=True
    ),
    "GET /contact-center/v1/pace-programme-presets": Row("contacts:read"),
    "GET /contact-center/v1/pace-programmes": Row("contacts:read"),
    "GET /contact-center/v1/pace-programmes/{code}": Row("contacts:read", of="programme"),
    # It is for requests of every branch.
    "PUT /contact-center/v1/pace-programmes/{code}": Row(
        "sources:write", of="changing_pace", body=paced, missing=200, limited=403
    ),
    "DELETE /contact-center/v1/pace-programmes/{code}": Row(
        "sources:write", of="endable_pace", ok=204, limited=403
    ),
    "GET /contact-center/v1/pace-programmes/{code}/late": Row("contacts:read", of="programme"),
    "GET /contact-center/v1/pace-programmes/{code}/shares": Row(
        "contacts:read", of="programme", query=WINTER
    ),
    "GET /contact-center/v1/coaching-items": Row("coaching:write"),
    "GET /contact-center/v1/coaching-items/{item}": Row("coaching:write", of="item", away=404),
    "PUT /contact-center/v1/coaching-items/{item}": Row(
        "coaching:write",
        of="item",
        body=lambda ask: coached(ask.branch),
        missing=200,
        away=404,
        fresh=True,
    ),
    "POST /contact-center/v1/coaching-items/{item}/done": Row(
        "coaching:write", of="item", body=same({}), away=404, fresh=True
    ),
    "GET /contact-center/v1/coaching-items/{item}/effect": Row(
        "coaching:write", of="item", away=404
    ),
    "PUT /contact-center/v1/ad-spend": Row(
        "contacts:write", body=lambda ask: {"rows": [spent(ask.branch)]}
    ),
    "GET /contact-center/v1/ad-spend": Row("metrics:read"),
    "GET /contact-center/v1/clocks": Row("contacts:read"),
    "GET /contact-center/v1/contacts/{contact_id}/clocks": Row(
        "contacts:read", of="contact", away=404
    ),
    "POST /contact-center/v1/sla-policies:backtest": Row(
        "contacts:read",
        body=same({"from": "2026-03-02T00:00:00Z", "to": "2026-03-03T00:00:00Z"}),
    ),
    "GET /contact-center/v1/contacts/{contact_id}": Row("contacts:read", of="contact", away=404),
}
