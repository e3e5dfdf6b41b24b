"""What the settings promise to the books."""

import os
import sqlite3
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from execution.runs.effective_policy import system_policy
from folios.serving import require_lasting_secret_key

ROOT = settings.BASE_DIR


def in_a_process(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code with the product's settings and nothing else from this environment."""
    env = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "DJANGO_SETTINGS_MODULE": "folios.settings",
        **environment,
    }
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )


PROMISES: dict[str, dict[str, object]] = {
    "sqlite": {
        "PRAGMA foreign_keys": 1,
        "PRAGMA synchronous": 2,
        "PRAGMA recursive_triggers": 1,
        "PRAGMA busy_timeout": 30_000,
        "PRAGMA journal_mode": "wal" if sqlite3.sqlite_version_info >= (3, 51, 3) else "delete",
    },
    "postgresql": {
        "SHOW lock_timeout": "10s",
        "SHOW statement_timeout": "1min",
        "SHOW idle_in_transaction_session_timeout": "1min",
        "SHOW transaction_isolation": "read committed",
    },
}


@pytest.mark.django_db
def test_the_database_is_set_up_as_a_ledger_needs_it():
    found = {}
    with connection.cursor() as cursor:
        for question in PROMISES[connection.vendor]:
            cursor.execute(question)
            found[question] = cursor.fetchone()[0]
    assert found == PROMISES[connection.vendor]


def test_an_execution_is_never_part_of_a_larger_transaction():
    assert settings.DATABASES["default"]["ATOMIC_REQUESTS"] is False


def test_the_systems_limits_are_the_published_ones():
    policy = system_policy()
    assert (policy.max_position_percent, policy.max_sector_percent) == (Decimal(20), Decimal(40))


def test_pages_are_not_served_with_a_key_that_is_gone_tomorrow(settings: Any):
    settings.SECRET_KEY_IS_PASSING, settings.DEBUG = True, False
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY"):
        require_lasting_secret_key()
    settings.DEBUG = True
    require_lasting_secret_key()


@pytest.mark.slow
def test_the_defaults_need_no_environment():
    code = "from folios import settings as s; print(s.DEBUG, s.DATABASES['default']['NAME'], s.ARTIFACTS_ROOT)"
    done = in_a_process(code)
    assert done.stdout.split() == ["False", str(ROOT / "db.sqlite3"), str(ROOT / "artifacts")], done.stderr


@pytest.mark.slow
def test_a_database_of_another_kind_is_refused():
    done = in_a_process("import folios.settings", DATABASE_URL="mysql://u@h/d")
    assert "only sqlite and postgres are supported" in done.stderr


@pytest.mark.slow
def test_a_trading_state_is_read_in_any_case_and_a_word_that_is_none_stops_at_the_start():
    """Seen: with "halted" every request of the inbox became a failed run, and was not ready any more."""
    code = "from folios import settings as s; print(s.TRADING_STATE)"
    read = [in_a_process(code, TRADING_STATE=word).stdout.strip() for word in ("halted", " Reducing ", "")]
    assert read == ["HALTED", "REDUCING", "ACTIVE"]
    assert "TRADING_STATE is 'PAUSED': not one of" in in_a_process(code, TRADING_STATE="paused").stderr


def test_every_variable_of_the_settings_is_in_the_example_file():
    source = (ROOT / "folios" / "settings.py").read_text()
    asked = {part.split('"')[1] for part in source.split("env.")[1:] if part.startswith(("str(", "bool(", "list("))}
    given = {row.partition("=")[0] for row in (ROOT / ".env.example").read_text().splitlines() if row[:1].isalpha()}
    assert asked == given


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "settings"),
    [
        ("execute_recommendations", "folios.command_settings"),
        ("check_books", "folios.command_settings"),
        ("migrate", "folios.settings"),
        ("runserver", "folios.settings"),
        ("create_token", "folios.settings"),
    ],
)
def test_the_products_commands_load_no_apps_that_only_pages_need(command: str, settings: str):
    code = f"import manage; print(manage.settings_module([{command!r}, '--help']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{settings}\n"
