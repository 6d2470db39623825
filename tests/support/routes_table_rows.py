"""The rows of the table of expected answers, by service; `routes_table.py` says what they mean."""

from collections.abc import Mapping
from typing import Final

from tests.support.routes_table import (
    ANY_REVISION,
    ANYBODY,
    COMPARED,
    HERSELF,
    MEMBER,
    NAMES,
    ONCE,
    PUBLIC,
    QUERY,
    RECORDS,
    ROUND_THE_CLOCK,
    STAFFED,
    Row,
    answer,
    came_back,
    policy,
    purchase,
    same,
    step,
)
from tests.support.routes_table_asking import ASKING
from tests.support.routes_table_contacts import CONTACT_CENTER
from tests.support.routes_table_feedback import CLAIMS, REVIEWS

Rows = Mapping[str, Row | tuple[Row, ...]]

ACCESS: Final[Rows] = {
    # Who signs in, refreshes or signs out says so in the body: credentials change nothing.
    "POST /access/v1/sign-in": Row(
        PUBLIC, ok=401, body=lambda ask: {"login": f"n{ask.number}@demo2abc", "password": "wrong"}
    ),
    "POST /access/v1/refresh": Row(PUBLIC, ok=401, body=same({"refresh_token": "otr_wrong"})),
    "POST /access/v1/sign-out": Row(PUBLIC, ok=204, body=same({"refresh_token": "otr_wrong"})),
    "GET /access/v1/me": Row(ANYBODY),
    "POST /access/v1/me/password": Row(
        MEMBER, ok=401, body=same({"old": "not the old one", "new": "correct horse battery"})
    ),
    "POST /access/v1/me/sign-out": Row(MEMBER, ok=204),
    "GET /access/v1/companies/current": Row("access:read metrics:read"),
    "PATCH /access/v1/companies/current": Row(
        "access:write",
        body=same({"language": "ru"}),
        headers=ANY_REVISION,
        limited=403,
        but={"agent": 403, "manager": 403, "head": 403},
    ),
    "DELETE /access/v1/demo": Row("demo:write", limited=403),
    # Display names of groups are for everybody who sees numbers.
    "GET /access/v1/branch-groups": Row("access:read metrics:read", shows=("south",)),
    "GET /access/v1/branch-groups/{code}": Row("access:read metrics:read", of="group"),
    "PUT /access/v1/branch-groups/{code}": Row(
        "access:write", of="group", body=same({"grouping": "region"}), missing=200, limited=403
    ),
    # Opening hours are no secret of a branch; without them nobody understands business time.
    "GET /access/v1/calendars": Row("access:read metrics:read"),
    "GET /access/v1/calendars/{code}": Row("access:read metrics:read", of="calendar"),
    "GET /access/v1/calendars/{code}/days": Row(
        "access:read metrics:read",
        of="calendar",
        query={"from": "2026-12-28", "to": "2027-01-11"},
    ),
    "PUT /access/v1/calendars/{code}": Row(
        "access:write", of="calendar", body=same(ROUND_THE_CLOCK), missing=200, limited=403
    ),
    "POST /access/v1/calendars/{code}/days-off": Row(
        "access:write",
        of="removable",
        body=same({"ical": "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"}),
        limited=403,
    ),
    "GET /access/v1/sla-policies": Row("access:read metrics:read"),
    "GET /access/v1/sla-policies/{code}": Row("access:read metrics:read", of="policy"),
    "PUT /access/v1/sla-policies/{code}": Row(
        "access:write", of="policy", body=policy, missing=200, limited=403
    ),
    "DELETE /access/v1/sla-policies/{code}": Row("access:write", of="endable", ok=204, limited=403),
    "DELETE /access/v1/calendars/{code}": Row(
        "access:write", of="removable", ok=204, limited=403, fresh=True
    ),
    "GET /access/v1/branches": Row("access:read metrics:read"),
    # The rival has branches of the same codes: they see their own.
    "GET /access/v1/branches/{code}": Row(
        "access:read metrics:read",
        of="branch",
        away=404,
        but={"rival own": 200, "rival other": 200},
    ),
    "PUT /access/v1/branches/{code}": Row(
        "access:write", of="branch", body=same({"groups": []}), missing=200, away=403, limited=403
    ),
    "GET /access/v1/staff": Row("access:read", but={"manager": 200}),
    "GET /access/v1/staff/{code}": Row(
        "access:read",
        of="member",
        away=404,
        but={
            "manager own": 200,
            "manager other": 404,
            "manager foreign": 404,
            "manager missing": 404,
        },
    ),
    "PUT /access/v1/staff/{code}": Row(
        "access:write",
        of="member",
        fresh=True,
        body=lambda ask: {"role": "agent", "branches": [ask.branch]},
        missing=200,
        away=404,
        # Nobody gives more than they have: one scope is less than an agent's.
        but={"right key": 403},
    ),
    "POST /access/v1/staff/{code}/password": Row(
        "access:write",
        of="member",
        fresh=True,
        away=404,
        but={"right key own": 403, "right key other": 403},
    ),
    "GET /access/v1/audit": Row("access:read", limited=403),
    "GET /access/v1/keys": Row("keys:write"),
    "POST /access/v1/keys": Row(
        "keys:write",
        ok=201,
        body=lambda _: {"name": "n", "scopes": ["keys:write"], "branches": ["north"]},
    ),
    "GET /access/v1/keys/{key_id}": Row("keys:write", of="key", away=404),
    "POST /access/v1/keys/{key_id}/rotate": Row(
        "keys:write", of="key", ok=201, body=same({}), fresh=True, away=404
    ),
    "POST /access/v1/keys/{key_id}/revoke": Row("keys:write", of="key", fresh=True, away=404),
    # Only a server of the company may speak for its customers.
    "POST /access/v1/customer-tokens": Row(
        "customers:write",
        body=same({"external_id": "buyer-north"}),
        limited=403,
        but={"admin": 403, "rival": 403},
    ),
}

FEEDBACK: Final[Rows] = {
    # Surveys belong to the whole company: nobody changes them for branches they do not reach.
    "POST /feedback/v1/surveys": Row(
        "surveys:write",
        ok=201,
        body=same({"template": "nps", "title": {"ru": "Опрос", "en": "Survey"}}),
        limited=403,
    ),
    "POST /feedback/v1/surveys:import": Row(
        "surveys:write",
        ok=201,
        body=same({"survey": {"elements": [{"type": "rating", "name": "q1"}]}}),
        limited=403,
    ),
    "GET /feedback/v1/surveys": Row("surveys:read surveys:write"),
    "GET /feedback/v1/surveys/{survey}": Row("surveys:read surveys:write", of="survey"),
    "GET /feedback/v1/surveys/{survey}/versions": Row("surveys:read surveys:write", of="survey"),
    "GET /feedback/v1/surveys/{survey}/versions/{version}": Row(
        "surveys:read surveys:write", of="survey"
    ),
    "POST /feedback/v1/surveys/{survey}/shown": Row(
        "surveys:read surveys:write", of="survey", body=same({"values": {"nps": 3}})
    ),
    "PATCH /feedback/v1/surveys/{survey}": Row(
        "surveys:write",
        of="survey",
        body=same({"active": True}),
        headers=ANY_REVISION,
        limited=403,
    ),
    "PUT /feedback/v1/answers/{answer}": (
        Row(
            "answers:write self",
            of="answer",
            ok=204,
            fresh=True,
            body=answer,
            missing=204,
            away=404,
            # In public nobody corrects what others sent; a customer sends from any branch.
            but={
                "publishable own": 404,
                "publishable other": 404,
                "customer own": 404,
                "customer other": 404,
                # The survey is another company's.
                "rival": 404,
            },
        ),
        Row(
            "answers:write self",
            of="survey",
            ok=204,
            body=lambda ask: answer(ask, survey=ask.id),
        ),
    ),
    "POST /feedback/v1/answers:batch": Row(
        "answers:write", ok=202, body=lambda ask: [answer(ask, id=f"b{ask.number}")]
    ),
    "GET /feedback/v1/answers/{answer}": Row("answers:read", of="answer", away=404),
    "GET /feedback/v1/answers": Row("answers:read"),
    # Who is rated does not correct what was said of them.
    "PUT /feedback/v1/answers/{answer}/reading": Row(
        "surveys:write", of="answer", body=same({"sentiment": "neutral"}), away=404
    ),
    "DELETE /feedback/v1/answers/{answer}/reading": Row("surveys:write", of="answer", away=404),
    "GET /feedback/v1/topics": Row("surveys:read surveys:write"),
    "PUT /feedback/v1/topics": Row(
        "surveys:write",
        body=same({"topics": [{"code": "parking", "name": {"ru": "Парковка", "en": "Parking"}}]}),
        headers=ANY_REVISION,
        limited=403,
    ),
    "GET /feedback/v1/cases": Row("cases:read"),
    "GET /feedback/v1/cases/{case}": Row("cases:read", of="case", away=404),
    "POST /feedback/v1/cases/{case}/contacted": Row(
        "cases:write", of="case", body=step, fresh=True, away=404
    ),
    "POST /feedback/v1/cases/{case}/close": Row(
        "cases:write", of="case", body=step, fresh=True, away=404
    ),
    **REVIEWS,
    **CLAIMS,
    **ASKING,
    "DELETE /feedback/v1/demo": Row("demo:write", limited=403),
}

LOYALTY: Final[Rows] = {
    "PUT /loyalty/v1/customers/{customer}": Row(
        "customers:write",
        of="customer",
        body=lambda ask: {"segment": "new", "branch": ask.branch},
        fresh=True,
        missing=201,
        away=404,
    ),
    "GET /loyalty/v1/customers/{customer}": Row("customers:read", of="customer", away=404),
    "POST /loyalty/v1/customers:find": Row(
        "customers:read", body=same({"external_id": "buyer-south"})
    ),
    "PUT /loyalty/v1/purchases/{purchase}": Row(
        "purchases:write", of="purchase", body=purchase, fresh=True, missing=201, away=422
    ),
    "POST /loyalty/v1/purchases:batch": Row(
        "purchases:write", ok=202, body=lambda ask: [purchase(ask) | {"id": f"b{ask.number}"}]
    ),
    "GET /loyalty/v1/purchases/{purchase}": Row("customers:read", of="purchase", away=404),
    "POST /loyalty/v1/purchases/{purchase}/returns": Row(
        "purchases:write", of="purchase", ok=201, body=came_back, fresh=True, away=404
    ),
    "PUT /loyalty/v1/purchases/{purchase}/returns/{return}": Row(
        "purchases:write",
        of="purchase",
        ok=201,
        fresh=True,
        away=404,
        body=lambda ask: came_back(ask) | {"id": f"return-{ask.number}"},
    ),
    "POST /loyalty/v1/customers/{customer}/points": Row(
        "points:write",
        of="customer",
        ok=201,
        body=same({"movement": "issue", "points": 5, "reason": "goodwill"}),
        headers=ONCE,
        away=404,
    ),
    "POST /loyalty/v1/points/{transfer}/reverse": Row(
        "points:write",
        of="transfer",
        ok=201,
        body=same({"reason": "mistake"}),
        headers=ONCE,
        fresh=True,
        away=404,
    ),
    "GET /loyalty/v1/customers/{customer}/points": Row("points:read", of="customer", away=404),
    "GET /loyalty/v1/customers/{customer}/points/journal": Row(
        "points:read", of="customer", away=404
    ),
    "GET /loyalty/v1/me/points": Row(HERSELF),
    "GET /loyalty/v1/me/points/journal": Row(HERSELF),
    "GET /loyalty/v1/programme": Row("points:read"),
    "POST /loyalty/v1/programme/rules": Row(
        "access:write",
        ok=201,
        limited=403,
        body=lambda ask: {
            "starts_at": f"2026-12-01T00:00:00.{ask.number:06d}+03:00",
            "currency": "RUB",
            "points": 1,
            "per": "100.00",
        },
    ),
    "PUT /loyalty/v1/attributes": Row("sources:write", body=same(NAMES), limited=403),
    "GET /loyalty/v1/attributes": Row("sources:write"),
    "DELETE /loyalty/v1/demo": Row("demo:write", limited=403),
}

METRICS: Final[Rows] = {
    "POST /metrics/v1/query": Row("metrics:read", body=same(QUERY)),
    "POST /metrics/v1/query/records": Row("records:read", body=same(RECORDS)),
    "POST /metrics/v1/staffing": Row(
        "metrics:read", body=same({"time": STAFFED, "handle_seconds": 180})
    ),
    "POST /metrics/v1/uniformity": Row("metrics:read", body=same(COMPARED)),
    "GET /metrics/v1/freshness": Row("metrics:read"),
    "GET /metrics/v1/catalog": Row("metrics:read"),
}

PROCESS: Final[Rows] = {
    "GET /openapi.json": Row(PUBLIC),
    "GET /livez": Row(PUBLIC),
    "GET /readyz": Row(PUBLIC),
    "GET /metrics": Row("operations:read", limited=403),
}

# What the APIs say decides; nobody is led to where sessions begin.
NOBODY: Final = {"nobody": 303}

PAGES: Final[Rows] = {
    "GET /": Row("metrics:read", but=NOBODY),
    "GET /number/{name}": Row("metrics:read", but=NOBODY),
    "GET /contact/{contact:uuid}": Row(
        "contacts:read", of="contact", away=404, but=NOBODY | {"right key": 403}
    ),
    "GET /case/{case:uuid}": Row(
        "cases:read", of="case", away=404, but=NOBODY | {"right key": 403}
    ),
    "GET /pace": Row("contacts:read", but=NOBODY | {"right key": 403}),
    "GET /sign-in": Row(PUBLIC),
    "POST /sign-in": Row(PUBLIC, ok=422),
    "POST /sign-out": Row(PUBLIC, ok=303),
    "GET /static": Row(PUBLIC),
}

TABLE: Final[Mapping[str, tuple[Row, ...]]] = {
    route: rows if isinstance(rows, tuple) else (rows,)
    for part in (ACCESS, CONTACT_CENTER, FEEDBACK, LOYALTY, METRICS, PROCESS, PAGES)
    for route, rows in part.items()
}
