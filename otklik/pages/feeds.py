"""Sources that should have been heard: whoever reads numbers has to know what is missing in them."""

from typing import Any

from otklik.pages.gateway import Problem, Visit


async def silent(visit: Visit) -> list[dict[str, Any]]:
    """Sources that are silent; none where nobody can tell: the page is of use without it."""
    try:
        found = await visit.get("/contact-center/v1/sources:health")
    except Problem:
        return []
    return [one for one in found["items"] if one["state"] == "silent"]
