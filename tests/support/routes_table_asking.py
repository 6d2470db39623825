"""The rows of programmes of asking, invitations and links."""

from collections.abc import Mapping
from typing import Any, Final

from tests.support.routes_table import AT, Ask, Row, same

READS: Final = "surveys:read surveys:write"
ASKS_AFTER_CALLS: Final = {"trigger": "contact_ended", "channels": ["sms"]}


def a_programme(ask: Ask) -> Any:
    """A programme that asks after each contact."""
    return ASKS_AFTER_CALLS | {"survey": ask.known["survey"]}


def a_link(ask: Ask) -> Any:
    """A link for anybody."""
    return {"survey": ask.known["survey"], "kind": "anonymous"}


ASKING: Final[Mapping[str, Row | tuple[Row, ...]]] = {
    # Programmes and links belong to the whole company, as surveys do.
    # Which branches are asked is no secret of theirs.
    "GET /feedback/v1/programmes": Row(READS, shows=("south",)),
    "GET /feedback/v1/programmes/{code}": Row(READS, of="poll"),
    "PUT /feedback/v1/programmes/{code}": Row(
        "surveys:write",
        of="poll",
        body=a_programme,
        missing=200,
        limited=403,
        # The survey is another company's.
        but={"rival": 404},
    ),
    "POST /feedback/v1/programmes/{code}:test": Row(
        "surveys:write", of="asking", ok=201, body=same({}), limited=403
    ),
    "GET /feedback/v1/programmes/{code}/invitations": Row(READS, of="asking"),
    "GET /feedback/v1/programmes/{code}/progress": Row(READS, of="asking"),
    "GET /feedback/v1/quarantine": Row(READS),
    "PUT /feedback/v1/quarantine": Row("surveys:write", body=same({}), limited=403),
    "GET /feedback/v1/invitations/{invitation}": Row(READS, of="invitation", away=404),
    # Who sends invitations sends those of all branches.
    **{
        f"POST /feedback/v1/invitations/{{invitation}}:{step}": Row(
            "invitations:write", of="invitation", body=same({}), limited=403
        )
        for step in ("delivered", "opened", "bounced", "opted-out")
    },
    "GET /feedback/v1/links": Row(READS),
    "PUT /feedback/v1/links/{code}": Row(
        "surveys:write",
        of="link",
        body=a_link,
        missing=200,
        limited=403,
        but={"rival": 404},
    ),
    "DELETE /feedback/v1/links/{code}": Row(
        "surveys:write", of="unlinked", ok=204, limited=403, fresh=True
    ),
    # Whoever holds a link may look, whatever branches their key is limited to.
    "GET /feedback/v1/asked/{token}": Row("answers:write self", of="token"),
    "POST /feedback/v1/asked/{token}:opened": Row("answers:write self", of="token", ok=204),
    "POST /feedback/v1/asked/{token}:started": Row("answers:write self", of="token", ok=204),
    "POST /feedback/v1/answers": Row(
        "answers:write self",
        of="token",
        body=lambda ask: {
            "link": ask.id,
            "id": f"v{ask.number}",
            "at": AT,
            "values": {"nps": 9},
        },
    ),
}
