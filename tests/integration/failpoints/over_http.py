"""A service over HTTP inside a process, and a client that sends again what may be sent again."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
from httpx import ASGITransport, AsyncClient, Response

from otklik_common.callers import ALL_SCOPES
from otklik_common.events.access import Company, Key, KeyPurpose
from otklik_common.events.envelope import Fact
from otklik_common.ids import subject_id
from otklik_common.keys import SECRET_LENGTH, digest_of, key_text
from otklik_common.migrate import Tree, migrate
from otklik_common.module import Module
from otklik_common.runtime import create_app, make_platform
from otklik_common.settings import Settings
from tests.integration.failpoints.stage import TENANT
from tests.support.facts import MONDAY

KEY_ID = "k" * 10
SECRET = "s" * SECRET_LENGTH


async def found(settings: Settings, module: Module) -> None:
    """Migrate a service, and let it know a company and a key that may do everything."""
    await migrate(settings, [Tree(module.schema, module.migrations)])
    key = Key(
        key_id=KEY_ID,
        purpose=KeyPurpose.API,
        digest=digest_of(SECRET),
        scopes=tuple(sorted(ALL_SCOPES)),
        created_at=MONDAY,
    )
    company = Company(timezone="Europe/Moscow", created_at=MONDAY)
    admin = await asyncpg.connect(settings.admin_database_url)
    try:
        for kind, code, fact in (("company", TENANT, company), ("key", KEY_ID, key)):
            await _tell(admin, module.schema, kind, code, fact)
    finally:
        await admin.close()


async def _tell(admin: asyncpg.Connection, schema: str, kind: str, code: str, fact: Fact) -> None:
    subject: UUID = subject_id(TENANT, kind, code)
    await admin.execute(
        f"INSERT INTO {schema}.directory"
        " (tenant, kind, subject, code, revision, epoch, void, data)"
        " VALUES ($1, $2, $3, $4, 1, 1, false, $5)",
        TENANT,
        kind,
        subject,
        code,
        fact.model_dump_json(),
    )


@asynccontextmanager
async def client_of(module: Module, settings: Settings) -> AsyncIterator[AsyncClient]:
    """A client with the company's key; what breaks a request is raised."""
    app = create_app([module], make_platform(settings))
    headers = {"Authorization": f"Bearer {key_text(TENANT, KEY_ID, SECRET)}"}
    async with (
        app.router.lifespan_context(app),
        AsyncClient(
            transport=ASGITransport(app), base_url="http://test", headers=headers, timeout=30
        ) as made,
    ):
        yield made


async def until_answered(send: Callable[[], Awaitable[Response]]) -> Response:
    """What is answered in the end: whoever is told to come later does."""
    while True:
        answer = await send()
        if answer.status_code == 503:
            continue
        if answer.status_code == 409 and answer.json()["code"] == "idempotency_in_progress":
            continue
        assert answer.is_success, answer.text
        return answer
