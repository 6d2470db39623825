"""API keys, and tokens for the apps of customers."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from otklik_access.actions import keys
from otklik_access.actions.change import Actor
from otklik_access.actions.keys import ShownKey, Told, WantedKey
from otklik_access.api.callers import Lent, actor
from otklik_access.api.credentials import (
    CustomerTokenBody,
    CustomerTokenOut,
    KeyBody,
    KeyOut,
    RotateBody,
    ShownKeyOut,
)
from otklik_access.domain.kept import Kept
from otklik_access.domain.keys import WRITE_ONLY, ApiKey
from otklik_common.events.access import KeyPurpose
from otklik_common.http import PROBLEMS, Now
from otklik_common.idempotency import OnceIfKeyed, Reply
from otklik_common.paging import Page, Pages

router = APIRouter(prefix="/access/v1", tags=["keys"])

Writer = Annotated[Actor, Depends(actor("keys:write"))]
KeyId = Annotated[str, Path(max_length=40)]


@router.get(
    "/keys",
    operation_id="list_keys",
    summary="API keys, the newest first",
    response_model=Page[KeyOut],
    responses=PROBLEMS(400, 401, 403, 422),
)
async def list_keys(by: Writer, platform: Lent, paging: Pages) -> Page[KeyOut]:
    """Without their secrets, which nobody knows."""
    part = paging.part(by.tenant)
    found = await keys.page(platform, by, part)
    return part.page(
        found,
        key=lambda one: (one.kept.value.created_at, one.kept.value.key_id),
        item=lambda one: KeyOut.of(by.tenant, one.kept, one.last_seen_at),
    )


@router.post(
    "/keys",
    operation_id="make_key",
    summary="Make an API key",
    status_code=201,
    response_model=ShownKeyOut,
    responses=PROBLEMS(400, 401, 403, 409, 422),
)
async def make_key(body: KeyBody, by: Writer, platform: Lent, once: OnceIfKeyed) -> Response:
    """
    Its text is shown this once: a repetition with the same Idempotency-Key names the key
    without it. The key works in every service within 5 s.
    """
    wanted = WantedKey(
        name=body.name,
        scopes=frozenset(body.scopes or (WRITE_ONLY if body.purpose == "publishable" else ())),
        purpose=KeyPurpose(body.purpose),
        branches=body.branches,
        groups=body.groups,
        origins=body.origins or (),
        expires_at=body.expires_at,
    )
    done = await keys.add_key(platform, by, wanted, once=once, told=_told(by))
    return _shown(by, done)


@router.get(
    "/keys/{key_id}",
    operation_id="get_key",
    summary="One API key",
    response_model=KeyOut,
    responses=PROBLEMS(401, 403, 404, 422),
)
async def get_key(key_id: KeyId, by: Writer, platform: Lent) -> KeyOut:
    """Without its secret."""
    found = await keys.key(platform, by, key_id)
    return KeyOut.of(by.tenant, found.kept, found.last_seen_at)


@router.post(
    "/keys/{key_id}/rotate",
    operation_id="rotate_key",
    summary="Make the successor of a key",
    status_code=201,
    response_model=ShownKeyOut,
    responses=PROBLEMS(400, 401, 403, 404, 409, 422),
)
async def rotate_key(
    key_id: KeyId, body: RotateBody, by: Writer, platform: Lent, once: OnceIfKeyed
) -> Response:
    """Both keys live for the overlap; then the old one ends by itself."""
    overlap = timedelta(seconds=body.overlap_seconds)
    done = await keys.rotate(platform, by, key_id, overlap=overlap, once=once, told=_told(by))
    return _shown(by, done)


@router.post(
    "/keys/{key_id}/revoke",
    operation_id="revoke_key",
    summary="End a key now",
    response_model=KeyOut,
    responses=PROBLEMS(401, 403, 404, 422),
)
async def revoke_key(key_id: KeyId, by: Writer, platform: Lent) -> KeyOut:
    """In effect in every service within 5 s; once more changes nothing."""
    return KeyOut.of(by.tenant, await keys.revoke(platform, by, key_id))


@router.post(
    "/customer-tokens",
    operation_id="make_customer_token",
    summary="A short-lived token for one customer's app",
    response_model=CustomerTokenOut,
    responses=PROBLEMS(401, 403, 422),
)
async def make_customer_token(
    body: CustomerTokenBody,
    by: Annotated[Actor, Depends(actor("customers:write"))],
    platform: Lent,
    now: Now,
) -> CustomerTokenOut:
    """Ask for it from your server, with your own id of the customer; hand it to their app."""
    made = await keys.customer_token(
        platform,
        by,
        external_id=body.external_id,
        origins=body.origins,
        life=timedelta(seconds=body.lifetime_seconds),
        now=now,
    )
    return CustomerTokenOut(token=made.token, expires_at=made.expires_at, customer=made.customer)


def _told(by: Actor) -> Told:
    """The answer to a repetition: it cannot hold the text, which is kept nowhere."""

    def told(kept: Kept[ApiKey]) -> Reply:
        return Reply.json(201, _out(by, kept, None))

    return told


def _shown(by: Actor, done: ShownKey | Reply) -> Response:
    reply = done if isinstance(done, Reply) else Reply.json(201, _out(by, done.kept, done.text))
    return reply.response()


def _out(by: Actor, kept: Kept[ApiKey], text: str | None) -> ShownKeyOut:
    return ShownKeyOut(**KeyOut.of(by.tenant, kept).model_dump(), key=text)
