"""The rows of reviews and claims: see `routes_table_rows`."""

from collections.abc import Mapping
from typing import Any, Final

from tests.support.routes_table import AT, Ask, Row, same, step


def a_review(name: str, branch: str, **said: Any) -> dict[str, Any]:
    """A happy review."""
    return {"source": "2gis", "id": name, "written_at": AT, "branch": branch, "stars": 5} | said


def review(ask: Ask) -> Any:
    """A review that nobody sent before."""
    return a_review(f"r{ask.number}", ask.branch)


def as_csv(ask: Ask) -> bytes:
    """The same as a file."""
    said = review(ask)
    return f"{','.join(said)}\n{','.join(map(str, said.values()))}".encode()


def a_claim(name: str, branch: str, **said: Any) -> dict[str, Any]:
    """A claim of nobody who is known otherwise."""
    return {"id": name, "received_at": AT, "text": "pay", "branch": branch} | said


CLAIMS: Final[Mapping[str, Row]] = {
    "POST /feedback/v1/claims": Row(
        "cases:write", body=lambda ask: a_claim(f"k{ask.number}", ask.branch)
    ),
    "GET /feedback/v1/claims": Row("cases:read"),
    "GET /feedback/v1/claims/{claim}": Row("cases:read", of="claim", away=404),
    **{
        f"POST /feedback/v1/claims/{{claim}}/{what}": Row(
            "cases:write", of="claim", body=step, fresh=True, away=404
        )
        for what in ("react", "work-off", "change")
    },
    "POST /feedback/v1/claims/{claim}/reopen": Row(
        "cases:write", of="worked", body=step, fresh=True, away=404
    ),
    "GET /feedback/v1/claim-kinds": Row("cases:read"),
    # Terms are the whole company's.
    "PUT /feedback/v1/claim-kinds/{claim_kind}": Row(
        "surveys:write", ok=204, body=same({"days": 9}), limited=403
    ),
}

REVIEWS: Final[Mapping[str, Row]] = {
    "POST /feedback/v1/reviews": Row("cases:write", body=review),
    "POST /feedback/v1/reviews:batch": Row("cases:write", ok=202, body=lambda ask: [review(ask)]),
    "POST /feedback/v1/reviews:import": Row("cases:write", ok=202, body=as_csv),
    "GET /feedback/v1/reviews": Row("cases:read"),
    "GET /feedback/v1/reviews/{review}": Row("cases:read", of="review", away=404),
    "POST /feedback/v1/reviews/{review}/replies": Row(
        "cases:write", of="review", body=same({"text": "thank you"}), fresh=True, away=404
    ),
    # Reply 0 is nobody's: what is asked here is whose review it is.
    "POST /feedback/v1/reviews/{review}/replies/{number}/publish": Row(
        "cases:write", of="review", ok=422, body=same({}), away=404
    ),
    "PUT /feedback/v1/reviews/{review}/assignee": Row(
        "cases:write", of="review", body=same({"assignee": "petrova"}), away=404
    ),
    "POST /feedback/v1/reviews/{review}/removed": Row(
        "cases:write", of="review", body=step, fresh=True, away=404
    ),
}
