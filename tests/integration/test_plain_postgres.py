"""The steps of a deployment on a PostgreSQL that is not ours, as whoever may make roles there."""

import asyncio
import base64
import json
import secrets
from collections.abc import Iterator, Mapping

import asyncpg
import pytest

from tests.support.deployment import Process
from tests.support.kafka import KafkaBroker, free_ports
from tests.support.plain_postgres import plain_postgres

PASSWORD = "pw-of-the-server"
ABOVE = """
SELECT rolname FROM pg_roles WHERE rolname LIKE 'otklik\\_%'
AND (rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls OR rolinherit)
"""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with plain_postgres(user="postgres", password=PASSWORD, database="otklik") as port:
        yield port


def statements(port: int, user: str, database: str, *lines: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(_url(port, database, user))
        for line in lines:
            await connection.execute(line)
        await connection.close()

    asyncio.run(run())


def above(port: int) -> list[str]:
    """Our logins that may more than their grants say."""

    async def run() -> list[str]:
        connection = await asyncpg.connect(_url(port, "postgres", "postgres"))
        found = await connection.fetch(ABOVE)
        await connection.close()
        return [str(row[0]) for row in found]

    return asyncio.run(run())


def _url(port: int, database: str, user: str | None = None) -> str:
    who = "" if user is None else f"{user}:{PASSWORD}@"
    return f"postgresql://{who}127.0.0.1:{port}/{database}"


def told(port: int, database: str, admin: str) -> dict[str, str]:
    return {
        "OTKLIK_DATABASE_URL": _url(port, database),
        "OTKLIK_ADMIN_DATABASE_URL": _url(port, database, admin),
        "OTKLIK_MASTER_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
    }


def output(*command: str, told: Mapping[str, str]) -> str:
    process = Process(list(command), told)
    process.start()
    return process.whole_output()


def refusal(*command: str, told: Mapping[str, str]) -> str:
    process = Process(list(command), told)
    process.start()
    assert process.running is not None
    assert process.running.wait(60) == 1
    return process.said()


def without_admin(told: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in told.items() if "ADMIN" not in name}


def test_a_superuser_prepares_everything_and_may_do_it_again(port: int) -> None:
    given = told(port, "otklik", "postgres")
    for _ in range(2):
        assert json.loads(output("migrate", "--json", told=given)) == {"migrated": True}
    statements(port, "postgres", "otklik", "ALTER ROLE otklik_loyalty_api BYPASSRLS INHERIT")
    assert above(port) == ["otklik_loyalty_api"]
    output("migrate", told=given)
    assert above(port) == []


def test_the_first_company_is_made_once_and_named_ever_after(port: int) -> None:
    given = told(port, "otklik", "postgres")
    output("migrate", told=given)
    made = json.loads(output("first-start", "--json", told=without_admin(given)))
    assert set(made) == {"company", "login", "password", "key"}
    known = json.loads(output("first-start", "--json", told=without_admin(given)))
    assert known == {"company": made["company"], "login": made["login"]}
    assert made["login"] == f"admin@{made['company']}"


def test_whoever_owns_the_database_and_may_create_roles_is_enough() -> None:
    with plain_postgres(user="postgres", password=PASSWORD, database="otklik") as port:
        statements(
            port,
            "postgres",
            "otklik",
            f"CREATE ROLE house LOGIN CREATEROLE PASSWORD '{PASSWORD}'",
            "CREATE DATABASE of_the_house OWNER house",
        )
        given = told(port, "of_the_house", "house")
        for _ in range(2):
            assert json.loads(output("migrate", "--json", told=given)) == {"migrated": True}
        assert above(port) == []
        assert "password" in json.loads(output("first-start", "--json", told=given))


def test_topics_are_made_without_the_database(kafka: KafkaBroker) -> None:
    (nobody,) = free_ports(1)
    given = {
        "OTKLIK_DATABASE_URL": _url(nobody, "otklik"),
        "OTKLIK_LOG": "kafka",
        "OTKLIK_KAFKA_BOOTSTRAP": kafka.bootstrap,
    }
    for _ in range(2):
        assert "otklik.loyalty" in json.loads(output("topics", "--json", told=given))["topics"]


def test_structure_is_made_without_the_log(port: int) -> None:
    (nobody,) = free_ports(1)
    given = told(port, "otklik", "postgres") | {
        "OTKLIK_LOG": "kafka",
        "OTKLIK_KAFKA_BOOTSTRAP": f"127.0.0.1:{nobody}",
    }
    output("migrate", "--no-topics", told=given)
    assert "LogNotReadyError" in refusal("migrate", told=given).splitlines()[-1]


@pytest.mark.parametrize("command", ["migrate", "first-start", "topics"])
def test_a_server_that_is_away_is_a_line_and_not_a_traceback(command: str) -> None:
    (nobody,) = free_ports(1)
    said = refusal(command, told=told(nobody, "otklik", "postgres"))
    assert "ConnectionRefusedError" in said
    assert "Traceback" not in said


def test_a_wrong_master_key_is_a_line_and_not_a_traceback(port: int) -> None:
    output("migrate", told=told(port, "otklik", "postgres"))
    said = refusal("first-start", told=told(port, "otklik", "postgres"))
    assert said.strip().endswith('password authentication failed for user "otklik_access_api"')
    assert "Traceback" not in said
