"""HTTP in and out of access; no rules, no SQL."""

from collections.abc import Sequence

from fastapi import APIRouter

from otklik_access.api import calendars, companies, keys, sessions, sla_policies, staff
from otklik_common.module import Platform


def routers(_: Platform) -> Sequence[APIRouter]:
    """Every route of access."""
    return [
        sessions.router,
        companies.router,
        calendars.router,
        sla_policies.router,
        staff.router,
        keys.router,
    ]
