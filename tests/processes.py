"""Processes of their own on the test's database, for what threads cannot show: races, crashes, exit codes."""

import atexit
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path

from django.db import connection

from tests.memory import DIRECTORY

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = "DJANGO_SETTINGS_MODULE"


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
        SETTINGS: "folios.settings",
        "DATABASE_URL": more.get("DATABASE_URL") or database_url(),
        "ALLOWED_HOSTS": "localhost",
        "ARTIFACTS_ROOT": str(artifacts_root),
        "PYTHONPATH": str(ROOT),
        **more,
    }


def command_environment(artifacts_root: Path, **more: str) -> dict[str, str]:
    """Return the environment of a command, which chooses its settings itself as it does for people."""
    values = environment(artifacts_root)
    del values[SETTINGS]
    return {**values, **more}


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
    process = start(["manage.py", *arguments], command_environment(artifacts_root, **more))
    out, err = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


class Forked:
    """A process that was forked from a warm one: as much of subprocess.Popen as the tests use."""

    def __init__(self, pid: int, *, stdout: int, stderr: int, exit_code: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdout, self.stderr, self._exit_code = os.fdopen(stdout), os.fdopen(stderr), os.fdopen(exit_code)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code once the process has ended. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            if not select.select([self._exit_code], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
            self.returncode = int(self._exit_code.read() or -signal.SIGKILL)  # who is killed says nothing
            self._exit_code.close()
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Return what the process prints until its end, and its errors.

        One that takes longer is ended, and that raises subprocess.TimeoutExpired.
        """
        with ThreadPoolExecutor(2) as ears, self.stdout, self.stderr:
            printed = [ears.submit(pipe.read) for pipe in (self.stdout, self.stderr)]
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
            out, errors = (each.result() for each in printed)
            return out, errors

    def close(self) -> None:
        """Wait for the process to end and close the pipes to it."""
        self.wait()
        self.stdout.close()
        self.stderr.close()

    def kill(self) -> None:
        """End the process, unless it is known to have ended."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def fork(module: str, *arguments: str, env: dict[str, str]) -> Forked:
    """Run a module with the product's settings in a process of its own that need not load the product first.

    Of `env` the settings take over DATABASE_URL and ARTIFACTS_ROOT; all else that they read is in `environment`.
    """
    sys.audit("tests.fork", module)
    pipes = [os.pipe() for _ in range(3)]
    order = json.dumps({"module": module, "arguments": arguments, "environment": env}).encode()
    server = _forkserver(env["DATABASE_URL"].partition(":")[0])
    socket.send_fds(server, [order], [theirs for _, theirs in pipes])
    answer = server.recv(100)
    assert answer, "the server that forks is gone; it said why on stderr"
    for _, theirs in pipes:
        os.close(theirs)
    (stdout, _), (stderr, _), (exit_code, _) = pipes
    return Forked(int(answer), stdout=stdout, stderr=stderr, exit_code=exit_code)


def migrate(url: str, *arguments: str) -> None:
    """Migrate a database in a process of its own, which has nothing to say."""
    code = f"from django.core.management import call_command; call_command('migrate', *{arguments}, verbosity=0)"
    process = fork("tests.run_code", code, env=environment(ROOT, DATABASE_URL=url))
    assert (process.communicate(), process.returncode) == (("", ""), 0)


def migrated(file: Path) -> str:
    """Make a SQLite database with all the tables, and nothing in them; return its DATABASE_URL."""
    shutil.copy(_template(), file)
    return f"sqlite:///{file}"


@cache
def _template() -> Path:
    """Return a database that was just migrated, the same for all that is copied from it."""
    directory = tempfile.TemporaryDirectory(prefix="folios-template-", dir=DIRECTORY)
    atexit.register(directory.cleanup)
    file = Path(directory.name) / "template.sqlite3"
    migrate(f"sqlite:///{file}")
    return file


@cache
def _forkserver(scheme: str) -> socket.socket:
    """Start the server that forks processes for a kind of database; it lives as long as this process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        server = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.forkserver", str(theirs.fileno())],
            cwd=ROOT,
            env=environment(ROOT, DATABASE_URL=f"{scheme}:///nowhere"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )

    def end() -> None:
        ours.close()
        server.wait()

    atexit.register(end)
    return ours
