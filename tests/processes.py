"""Processes of their own on the test's database, for what threads cannot show: races, crashes, exit codes."""

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.db import connection

ROOT: Path = settings.BASE_DIR


def database_url() -> str:
    """Return the DATABASE_URL of the database that this test writes to."""
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    return f"postgres://postgres@/{values['HOST']}/{values['NAME']}"


def environment(artifacts_root: Path, **more: str) -> dict[str, str]:
    """Return the environment of a process that uses the product's settings on this test's database."""
    return {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "DJANGO_SETTINGS_MODULE": "folios.settings",
        "DATABASE_URL": database_url(),
        "ALLOWED_HOSTS": "localhost",
        "ARTIFACTS_ROOT": str(artifacts_root),
        "PYTHONPATH": str(ROOT),
        **more,
    }


def start(arguments: list[str], env: dict[str, str]) -> "subprocess.Popen[str]":
    """Start Python with `arguments` in the project's directory; warnings are errors."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", *arguments],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def manage(artifacts_root: Path, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run manage.py to its end and return what it printed."""
    process = start(["manage.py", *arguments], environment(artifacts_root, **more))
    out, err = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)
