"""Signing in and out, over HTTP."""

import asyncio
import re
import time
from datetime import UTC, datetime, timedelta

import pytest

from otklik_access import actions
from otklik_access.actions import passwords
from otklik_access.api.sessions import FAILURES
from otklik_common.errors import NotFound
from tests.integration.access.conftest import Http

pytestmark = pytest.mark.asyncio


async def _admin(http: Http) -> dict[str, str]:
    session = await http.sign_in(http.world.made.login, http.world.made.password or "")
    return dict(session)


async def test_a_session_is_believed_for_ten_minutes(http: Http) -> None:
    session = await _admin(http)
    expires = datetime.fromisoformat(session["expires_at"])
    assert timedelta(minutes=9) < expires - datetime.now(UTC) <= timedelta(minutes=10)
    me = (await http.ask("GET", "/me", key=session["token"])).json()
    assert (me["role"], me["code"], me["member"]) == ("admin", "admin", session["member"])


async def test_whatever_is_wrong_the_answer_is_the_same(http: Http) -> None:
    await http.good("PUT", "/staff/gone", {"role": "agent"})
    shown = await http.good("POST", "/staff/gone/password")
    await http.good("PUT", "/staff/gone", {"role": "agent", "ends_on": "2020-01-01"})
    tenant = http.world.tenant
    answers = [
        await http.ask("POST", "/sign-in", body, key="")
        for body in (
            {"login": http.world.made.login, "password": "wrong"},
            {"login": f"nobody@{tenant}", "password": "wrong"},
            {"login": "nobody", "password": "wrong"},
            {"login": "admin@zzzzzzzz", "password": "wrong"},
            shown,
        )
    ]
    assert {answer.status_code for answer in answers} == {401}
    bodies = [
        {k: v for k, v in answer.json().items() if k not in {"instance", "request_id"}}
        for answer in answers
    ]
    assert all(body == bodies[0] for body in bodies)


async def test_the_right_password_of_somebody_who_left_is_written_down(http: Http) -> None:
    await http.good("PUT", "/staff/gone", {"role": "agent"})
    shown = await http.good("POST", "/staff/gone/password")
    await http.good("PUT", "/staff/gone", {"role": "agent", "active": False})
    before = await http.world.trail()
    assert (await http.ask("POST", "/sign-in", shown, key="")).status_code == 401
    await asyncio.sleep(0.2)
    assert (await http.world.trail())[len(before) :] == ["sign_in_refused"]


async def test_an_unknown_login_costs_as_much_as_a_known_one(
    http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    took: dict[bool, list[float]] = {True: [], False: []}
    verify = passwords._verify

    def timed(password: str, known: str | None) -> bool:
        began = time.thread_time()
        right = verify(password, known)
        took[known is None].append(time.thread_time() - began)
        return right

    monkeypatch.setattr(passwords, "_verify", timed)
    for login in ("nobody", f"nobody@{http.world.tenant}", http.world.made.login) * 2:
        await http.ask("POST", "/sign-in", {"login": login, "password": "x"}, key="")
    assert (len(took[True]), len(took[False])) == (4, 2)
    assert min(took[True]) > min(took[False]) / 2


async def test_guessing_one_login_is_slowed_down(http: Http) -> None:
    body = {"login": http.world.made.login, "password": "wrong"}
    answers = [(await http.ask("POST", "/sign-in", body, key="")) for _ in range(21)]
    assert [answer.status_code for answer in answers] == [401] * 20 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
    await asyncio.sleep(0.2)
    assert (await http.world.trail()).count("sign_in_refused") == 20


async def test_who_guesses_at_a_login_does_not_lock_its_owner_out(http: Http) -> None:
    login, password = http.world.made.login, http.world.made.password
    stranger, owner = http.at("2001:db8::1"), http.at("203.0.113.7")
    guesses = [
        await stranger.ask("POST", "/sign-in", {"login": login, "password": "wrong"}, key="")
        for _ in range(21)
    ]
    assert guesses[-1].status_code == 429
    # Neighbours of one /64 are one client.
    neighbour = http.at("2001:db8::2")
    body = {"login": login, "password": password}
    assert (await neighbour.ask("POST", "/sign-in", body, key="")).status_code == 429
    assert (await owner.ask("POST", "/sign-in", body, key="")).status_code == 200


async def test_of_guesses_from_everywhere_only_wrong_ones_count(http: Http) -> None:
    login = http.world.made.login
    right = {"login": login, "password": http.world.made.password}
    FAILURES.take(login, FAILURES.burst - 1)
    for number in range(3):
        one = http.at(f"203.0.113.{number}")
        assert (await one.ask("POST", "/sign-in", right, key="")).status_code == 200
    wrong = {"login": login, "password": "wrong"}
    assert (await http.at("198.51.100.1").ask("POST", "/sign-in", wrong, key="")).status_code == 401
    last = await http.at("198.51.100.2").ask("POST", "/sign-in", wrong, key="")
    assert (last.status_code, last.json()["code"]) == (429, "too_many_requests")
    assert int(last.headers["retry-after"]) <= 2


async def test_a_refresh_token_works_once_and_reuse_ends_the_session(http: Http) -> None:
    session = await _admin(http)
    first = {"refresh_token": session["refresh_token"]}
    second = await http.good("POST", "/refresh", first, key="")
    # A race of two tabs is refused without harm …
    assert (await http.ask("POST", "/refresh", first, key="")).status_code == 401
    third = await http.good("POST", "/refresh", {"refresh_token": second["refresh_token"]}, key="")
    await http.world.admin.execute(
        "UPDATE access.refresh_token SET used_at = used_at - interval '1 minute' "
        "WHERE tenant = $1 AND used_at IS NOT NULL",
        http.world.tenant,
    )
    # … a use long after is not: somebody else holds a copy.
    assert (await http.ask("POST", "/refresh", first, key="")).status_code == 401
    last = {"refresh_token": third["refresh_token"]}
    assert (await http.ask("POST", "/refresh", last, key="")).status_code == 401
    assert await http.until(401, "/me", key=third["token"]) < 5
    assert "refresh_reused" in await http.world.trail()


async def test_of_two_refreshes_at_once_one_goes_on(http: Http) -> None:
    session = await _admin(http)
    body = {"refresh_token": session["refresh_token"]}
    answers = await asyncio.gather(*(http.ask("POST", "/refresh", body, key="") for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401, 401]
    winner = next(answer for answer in answers if answer.is_success).json()
    await http.good("POST", "/refresh", {"refresh_token": winner["refresh_token"]}, key="")


async def test_signing_out_ends_the_token_too_and_leaves_other_devices(http: Http) -> None:
    here, there = await _admin(http), await _admin(http)
    await http.good("POST", "/sign-out", {"refresh_token": here["refresh_token"]}, key="")
    assert await http.until(401, "/me", key=here["token"]) < 5
    body = {"refresh_token": here["refresh_token"]}
    assert (await http.ask("POST", "/refresh", body, key="")).status_code == 401
    again = await http.good("POST", "/refresh", {"refresh_token": there["refresh_token"]}, key="")
    await http.until(200, "/me", key=again["token"])


async def test_a_session_token_alone_ends_every_session_of_its_member(http: Http) -> None:
    session = await _admin(http)
    answer = await http.ask("POST", "/sign-out", key=session["token"])
    assert answer.status_code == 204
    assert await http.until(401, "/me", key=session["token"]) < 5
    body = {"refresh_token": session["refresh_token"]}
    assert (await http.ask("POST", "/refresh", body, key="")).status_code == 401


async def test_a_cookie_holds_the_refresh_token_where_asked_for(http: Http) -> None:
    body = {
        "login": http.world.made.login,
        "password": http.world.made.password,
        "cookie": True,
    }
    answer = await http.ask("POST", "/sign-in", body, key="")
    assert answer.json()["refresh_token"] is None
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/access/v1" in cookie
    following = await http.ask("POST", "/refresh", {}, key="")
    assert (following.status_code, following.json()["refresh_token"]) == (200, None)
    await http.good("POST", "/sign-out", {}, key="")
    assert (await http.ask("POST", "/refresh", {}, key="")).status_code == 401


async def test_a_changed_password_ends_every_session(http: Http) -> None:
    session = await http.employ("petrova", "agent")
    shown_login = f"petrova@{http.world.tenant}"
    wrong = {"old": "wrong", "new": "correct horse battery"}
    answer = await http.ask("POST", "/me/password", wrong, key=session["token"])
    assert answer.status_code == 401
    reset = await http.good("POST", "/staff/petrova/password")
    await asyncio.sleep(1)
    session = await http.sign_in(reset["login"], reset["password"])
    weak = {"old": reset["password"], "new": "petrova-2026"}
    refused = await http.ask("POST", "/me/password", weak, key=session["token"])
    assert (refused.status_code, refused.json()["code"]) == (422, "password_guessable")
    good = {"old": reset["password"], "new": "correct horse battery"}
    changed = await http.ask("POST", "/me/password", good, key=session["token"])
    assert changed.status_code == 204
    assert await http.until(401, "/me", key=session["token"]) < 5
    over = {"refresh_token": session["refresh_token"]}
    assert (await http.ask("POST", "/refresh", over, key="")).status_code == 401
    await http.sign_in(shown_login, good["new"])


async def test_the_servers_command_line_gives_a_new_password_to_who_lost_theirs(
    http: Http,
) -> None:
    old = await _admin(http)
    await http.good("PUT", "/staff/Petrova-2", {"role": "agent", "login": "petrova"})
    await http.good("POST", "/staff/Petrova-2/password")
    for login in (http.world.made.login, f"petrova@{http.world.tenant}"):
        shown = await actions.reset_console_password(http.world.platform, login)
        assert shown.login == login
        await http.sign_in(login, shown.password)
    lost = {"login": http.world.made.login, "password": http.world.made.password}
    assert (await http.ask("POST", "/sign-in", lost, key="")).status_code == 401
    over = {"refresh_token": old["refresh_token"]}
    assert (await http.ask("POST", "/refresh", over, key="")).status_code == 401
    for unknown in ("admin", "admin@zzzzzzzz", f"nobody@{http.world.tenant}"):
        with pytest.raises(NotFound, match=f"nobody signs in as {unknown}"):
            await actions.reset_console_password(http.world.platform, unknown)


async def test_who_leaves_has_no_access_within_five_seconds(http: Http) -> None:
    session = await http.employ("petrova", "agent")
    await http.good("PUT", "/staff/petrova", {"role": "agent", "active": False})
    assert await http.until(401, "/me", key=session["token"]) < 5
    over = {"refresh_token": session["refresh_token"]}
    assert (await http.ask("POST", "/refresh", over, key="")).status_code == 401


async def test_passwords_and_tokens_stand_nowhere(http: Http) -> None:
    session = await http.employ("petrova", "agent", name="Зоя Канарейкина", email="z@canary.test")
    secrets = (
        session["refresh_token"].split("_", 3)[3],  # base64 for addresses has `_` as well
        session["token"],
        "Канарейкина",
        "canary.test",
    )
    tables = await http.world.admin.fetch(
        "SELECT table_schema, table_name FROM information_schema.tables "
        "WHERE table_schema IN ('access', 'log')"
    )
    for schema, table in tables:
        for row in await http.world.admin.fetch(f'SELECT t::text FROM {schema}."{table}" t'):
            clear = row[0] + bytes.fromhex("".join(_hex(row[0]))).decode("utf-8", "replace")
            assert not any(secret in clear for secret in secrets), (schema, table)


def _hex(text: str) -> list[str]:
    """Hexadecimal digits of the bytea values in a row's text."""

    return [found for found in re.findall(r"\\x([0-9a-f]+)", text) if len(found) % 2 == 0]
