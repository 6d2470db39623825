"""A small application that says no in every way, and bodies for it."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, FastAPI, Query, Request, Response
from prometheus_client import CollectorRegistry
from pydantic import Field
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.routing import Route
from starlette.types import Message, Receive

from otklik_common import http
from otklik_common.settings import Settings

CANARY = "+79995550123"


class NoSuchSurvey(http.NotFound):
    code = "survey_not_found"


class Line(http.StrictModel):
    id: str = Field(max_length=10)
    amount: int = Field(ge=1)


class Body(http.StrictModel):
    id: UUID
    at: http.AwareTime
    name: str | None = Field(default=None, max_length=20)
    lines: tuple[Line, ...] = ()
    attributes: dict[str, Any] = Field(default_factory=dict)


class Broken(Response):
    """An answer that fails after its head was sent."""

    async def __call__(self, *asgi: Any) -> None:
        send = asgi[2]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError(CANARY)


def make_app(registry: CollectorRegistry | None = None) -> FastAPI:  # noqa: C901 - its routes
    """Things that are read, made, listed and edited."""
    app = FastAPI(title="test")
    settings = Settings(database_url="postgresql://nowhere", public_url="https://otklik.example")
    http.install(app, settings, registry or CollectorRegistry())
    router = APIRouter(prefix="/things/v1")

    @router.get("/things/{thing_id}", responses=http.PROBLEMS(404, 422))
    async def get_thing(thing_id: str, request: Request) -> dict[str, str]:
        if thing_id == "broken":
            raise ValueError(f"cannot read {CANARY}")
        if thing_id == "busy":
            raise PoolTimeout
        if thing_id == "foreign":
            raise NoSuchSurvey("no survey 7", detail_ru="нет опроса 7", extra_member=UUID(int=7))
        return {"id": thing_id, "route": http.route_of(request.scope)}

    @router.post("/things", status_code=201)
    async def post_thing(body: Body, now: http.Now) -> dict[str, bool]:
        return {"flagged": http.check_time(body.at, now)}

    @router.get("/list")
    async def list_things(
        limit: Annotated[int, Query(ge=1, le=200)] = 50, branch: str | None = None
    ) -> dict[str, Any]:
        return {"limit": limit, "branch": branch}

    @router.get("/language")
    async def read_language(language: http.Language) -> str:
        return language

    @router.put("/things/{thing_id}")
    async def edit(thing_id: str, expected: http.MustMatch, response: Response) -> str:
        expected.check(3)
        response.headers["ETag"] = http.etag(4)
        return thing_id

    @router.post("/large")
    @http.edge(body_limit=3 * http.MIB, quiet=True)
    async def large(request: Request) -> int:
        return len(await request.body())

    async def raw(request: Request) -> Response:
        return Response(str(len(await request.body())))

    async def stream(request: Request) -> Response:
        return Broken()

    app.include_router(router)
    app.router.routes.append(Route("/raw/{thing_id}", raw, methods=["POST"]))
    app.router.routes.append(Route("/stream/{thing_id}", stream, methods=["POST"]))
    return app


def a_body(**fields: Any) -> dict[str, Any]:
    """A body that is taken, unless said otherwise."""
    return {"id": str(UUID(int=1)), "at": datetime.now(UTC).isoformat(), **fields}


class Endless:
    """A body that counts how much of itself was taken."""

    def __init__(self) -> None:
        self.taken = 0

    async def receive(self) -> Message:
        self.taken += 65536
        return {"type": "http.request", "body": b"x" * 65536, "more_body": True}


async def call(
    app: FastAPI, path: str, receive: Receive, headers: list[tuple[bytes, bytes]]
) -> list[Message]:
    """What the application sends to one request, below any client."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    await app(scope, receive, send)
    return sent
