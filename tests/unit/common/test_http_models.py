"""Strict models, looked at from inside."""

from datetime import datetime

from fastapi import FastAPI

from otklik_common.http import StrictModel


class Nested(StrictModel):
    at: datetime


class Body(StrictModel):
    nested: Nested


def test_a_model_used_again_and_again_is_wrapped_once() -> None:
    def size() -> int:
        return len(repr(Nested.__pydantic_core_schema__))

    def use() -> int:
        """What every application does that takes the model."""
        app = FastAPI()

        @app.post("/")
        async def take(body: Body) -> Body:
            return body

        app.openapi()
        return size()

    assert {use() for _ in range(5)} == {size()}
