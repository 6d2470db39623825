"""HTTP in and out of feedback; no rules, no SQL."""

from collections.abc import Sequence

from fastapi import APIRouter

from otklik_common.module import Platform
from otklik_feedback.api import (
    answers,
    cases,
    claims,
    demo,
    invitations,
    links,
    programmes,
    readings,
    reviews,
    surveys,
)


def routers(_: Platform) -> Sequence[APIRouter]:
    """Every route of feedback."""
    return [
        surveys.router,
        links.router,
        answers.router,
        cases.router,
        reviews.router,
        claims.router,
        readings.router,
        programmes.router,
        invitations.router,
        demo.router,
    ]
