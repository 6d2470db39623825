"""`otklik keys`: make, list and revoke API keys."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from otklik.client import Client


def show(url: str, key: str, *, as_json: bool) -> None:
    """Print every key of the company."""
    client = Client(url, key)
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = client.get("/access/v1/keys", limit=200, **more)
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    if as_json:
        print(json.dumps({"keys": found}, ensure_ascii=False))
        return
    for one in found:
        state = "revoked" if one.get("revoked_at") else "active"
        print(f"{one['id']:<12} {state:<8} {one['name']:<30} {' '.join(one['scopes'])}")


def create(
    url: str,
    key: str,
    *,
    name: str,
    scopes: list[str],
    days: int | None,
    publishable: bool,
    origins: list[str],
    as_json: bool,
) -> None:
    """Make a key and print it."""
    body: dict[str, Any] = {
        "name": name,
        "scopes": scopes,
        "purpose": "publishable" if publishable else "api",
    }
    if publishable:
        body["origins"] = origins
    if days is not None:
        body["expires_at"] = (datetime.now(UTC) + timedelta(days=days)).isoformat()
    made = Client(url, key).post("/access/v1/keys", body)
    print(json.dumps(made, ensure_ascii=False) if as_json else made["key"])


def revoke(url: str, key: str, key_id: str, *, as_json: bool) -> None:
    """Revoke a key."""
    Client(url, key).call("POST", f"/access/v1/keys/{key_id}/revoke")
    print(json.dumps({"revoked": key_id}) if as_json else f"{key_id} is revoked")
