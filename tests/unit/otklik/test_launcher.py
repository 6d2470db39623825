"""What the launcher keeps, says and offers."""

import base64
import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from otklik.__main__ import app
from otklik.addresses import on_this_machine, url_of
from otklik.banner import Made, Result, banner, entrance
from otklik.client import language
from otklik.commands.querying import table_of
from otklik.data import Data, InUseError, default_folder, keep_secret, master_key_file
from otklik.pages.periods import period
from otklik.pages.texts import TEXTS, Words
from otklik.targets import PARTS, SERVICES, migration_folders, modules, working
from otklik_common.runtime import make_platform
from otklik_common.settings import Settings

NOW = datetime(2026, 3, 2, 0, 2, tzinfo=UTC)


def test_a_data_folder_has_one_owner_at_a_time(tmp_path: Path) -> None:
    held = Data.hold(tmp_path)
    with pytest.raises(InUseError, match="in use by another otklik up"):
        Data.hold(tmp_path)
    os.close(held.lock)
    os.close(Data.hold(tmp_path).lock)


def test_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    keep_secret(tmp_path, "demo.key", "otk_…")
    folder = tmp_path / "secrets"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "demo.key").stat().st_mode) == 0o600


def test_the_master_key_is_made_once(tmp_path: Path) -> None:
    first = master_key_file(tmp_path).read_text()
    assert master_key_file(tmp_path).read_text() == first


def test_state_is_remembered_and_added_to(tmp_path: Path) -> None:
    held = Data.hold(tmp_path)
    held.remember(company="abc")
    held.remember(login="admin@abc")
    assert held.state == {"company": "abc", "login": "admin@abc"}
    os.close(held.lock)


def test_the_folder_of_the_default_start_counts_where_no_database_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OTKLIK_DATABASE_URL", raising=False)
    (tmp_path / ".otklik").mkdir()
    assert default_folder() is None
    (tmp_path / ".otklik" / "state.json").write_text("{}")
    assert default_folder() == Path(".otklik")
    monkeypatch.setenv("OTKLIK_DATABASE_URL", "postgresql://elsewhere/otklik")
    assert default_folder() is None


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("10.0.0.7", "http://10.0.0.7:8080"),
        ("otklik.example", "http://otklik.example:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),
        ("::", "http://[::1]:8080"),
        ("fd00::7", "http://[fd00::7]:8080"),
    ],
)
def test_a_server_is_reached_from_its_own_machine_wherever_it_listens(host: str, url: str) -> None:
    assert url_of(host, 8080) == url


def test_the_environments_proxy_is_for_other_machines() -> None:
    own = ("http://127.0.0.1:1", "http://127.8.8.8", "http://localhost:1/x", "http://[::1]:1")
    assert all(on_this_machine(url) for url in own)
    others = ("https://otklik.example", "http://10.0.0.7:1", "http://[fd00::7]:1", "")
    assert not any(on_this_machine(url) for url in others)


def test_later_starts_tell_no_secrets() -> None:
    first = Result.of("http://h:1", Made("c", "admin@c", "pw", "otk_1", "otk_2"))
    assert first.as_json() == {
        "url": "http://h:1",
        "company": "c",
        "admin": {"login": "admin@c", "password": "pw"},
        "key": "otk_1",
    }
    later = Result.of("http://h:1", Made("c", "admin@c"))
    assert "password" not in json.dumps(later.as_json())
    assert "key" not in later.as_json()
    assert "otk_2" not in banner(first, NOW)


def test_secrets_that_nobody_saw_are_those_of_their_company_alone() -> None:
    unseen = {"company": "c", "password": "pw", "key": "otk_1"}
    assert Made("c", "admin@c").with_kept(unseen) == Made("c", "admin@c", "pw", "otk_1")
    assert Made("other", "admin@other").with_kept(unseen) == Made("other", "admin@other")
    assert Made("c", "admin@c").with_kept(None) == Made("c", "admin@c")


def test_the_lines_to_try_ask_for_the_days_that_the_first_page_shows() -> None:
    # Two minutes past midnight in London is three in Moscow: the same day there.
    lines = banner(Result("http://127.0.0.1:8080", "c", "admin", None, "otk_1"), NOW)
    shown = period("28d", "Europe/Moscow", NOW)
    assert f'"from":"{shown.begins.isoformat()}","to":"{shown.ends.isoformat()}"' in lines


@pytest.mark.parametrize(
    ("environment", "spoken"),
    [
        ({}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "ru_RU.UTF-8"}, "ru"),
        ({"LC_ALL": "en_US.UTF-8", "LANG": "ru_RU.UTF-8"}, "en"),
        ({"LC_ALL": "", "LC_MESSAGES": "ru_RU"}, "ru"),
    ],
)
def test_commands_are_answered_in_the_language_of_their_surroundings(
    environment: dict[str, str], spoken: str
) -> None:
    assert language(environment) == spoken


def test_who_may_enter_is_said_before_and_in_the_banner() -> None:
    result = Result.of("http://h:1", Made("c", "admin@c", "pw", "otk_1"))
    for word in ("http://h:1/", "admin@c", "pw", "otk_1"):
        assert word in entrance(result)
        assert word in banner(result, NOW)
    assert "curl" not in entrance(result)


def test_a_table_shows_hour_zero_and_leaves_the_unknown_blank() -> None:
    rows = [{"bucket": None, "hour_of_day": hour, "nps": {"value": 1.5}} for hour in (0, 13, None)]
    bucket, hours, nps = table_of(rows, ["hour_of_day"]).columns
    assert list(hours.cells) == ["0", "13", ""]
    assert list(bucket.cells) == ["", "", ""]
    assert list(nps.cells) == ["1.5"] * 3


def test_every_service_has_a_module_and_migrations() -> None:
    assert [module.name for module in modules("all")] == list(SERVICES)
    assert all(folder.is_dir() for folder in migration_folders())
    assert modules("console") == []
    with pytest.raises(ValueError, match="no service 'nonsense'"):
        modules("nonsense")


def test_a_period_ends_with_the_companys_day() -> None:
    now = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)  # already the third in Moscow
    week = period("7d", "Europe/Moscow", now)
    assert week.begins.isoformat() == "2026-02-25T00:00:00+03:00"
    assert week.ends.isoformat() == "2026-03-04T00:00:00+03:00"
    assert period("nonsense", "Europe/Moscow", now).name == "28d"


def test_every_text_is_there_in_both_languages() -> None:
    assert all(ru and en for ru, en in TEXTS.values())


def test_minus_zero_is_zero() -> None:
    assert Words("en").number(-0.2) == "0"
    assert Words("ru").number(-12.4) == "−12"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--service", "metric"], "no service 'metric'; there are access, "),
        (["redrive", "7"], "'7' is not the id of a dead letter, such as metrics:12"),
        (["redrive", "metrics:-1"], "'metrics:-1' is not the id of a dead letter"),
        (["give-up", "metrics:9223372036854775808"], "is not the id of a dead letter"),
        (["--service", "access", "redrive"], "options go behind redrive"),
        (["--data", "elsewhere", "give-up", "metrics:1"], "options go behind give-up"),
        (["give-up"], "Missing argument"),
    ],
)
def test_dead_letters_are_named_rightly_or_none_is_touched(arguments: list[str], why: str) -> None:
    said = CliRunner().invoke(app, ["dead-letters", *arguments])
    assert said.exit_code == 2
    assert why in " ".join(said.output.split())


def test_the_parts_of_metrics_are_all_of_its_work_and_nothing_twice() -> None:
    def works(target: str) -> list[str]:
        settings = Settings(
            database_url="postgresql://127.0.0.1:1/none",
            master_key=base64.b64encode(b"k" * 32).decode(),
            environment="test",
        )
        platform = make_platform(settings)
        return [one.name for module in working(target) for one in module.workers(platform)]

    assert works("metrics-history") == ["metrics.history"]
    assert sorted([*works("metrics-numbers"), *works("metrics-history")]) == sorted(
        works("metrics")
    )
    assert {target.partition("-")[0] for target in PARTS} <= SERVICES.keys()
    with pytest.raises(ValueError, match="metrics-history"):
        working("metrics-nothing")
