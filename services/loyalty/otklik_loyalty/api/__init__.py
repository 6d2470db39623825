"""Routes of loyalty, under /loyalty/v1."""

from fastapi import APIRouter

from otklik_loyalty.api import customers, demo, points, programme, purchases


def routers() -> list[APIRouter]:
    """Everything that loyalty answers."""
    return [customers.router, purchases.router, points.router, programme.router, demo.router]
