"""A web server of the product's own for a browser: another process, a database of its own, on loopback."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.memory import DIRECTORY
from tests.processes import ROOT, fork, migrated

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PASSWORD = "monday morning"  # of both people of the demo: mia, who may execute, and vera, who may look
_PATIENCE = 120  # seconds
_LISTENS = re.compile(r"server at (http://127\.0\.0\.1:\d+)/")


@dataclass(frozen=True)
class Site:
    """A running site: its address, the environment of its processes, and what the set-up printed."""

    address: str
    environment: dict[str, str]
    said: str

    def python(self, code: str) -> str:
        """Run code beside the site, on its database; return what it printed."""
        return run_python(code, self.environment)


def run_python(code: str, environment: dict[str, str]) -> str:
    """Run code with Django set up; return what it printed. Raises AssertionError with what went wrong."""
    process = fork("tests.run_code", code, env=environment)
    out, errors = process.communicate()
    assert process.returncode == 0, errors
    return out.strip()


@contextmanager
def site(setup: str) -> Iterator[Site]:
    """Serve a new site after running `setup` on its migrated database, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="folios-site-", dir=DIRECTORY) as directory:
        environment = {
            **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "PYTHONPATH")},
            "ENV_FILE": os.devnull, "DEBUG": "true", "SECRET_KEY": "of a site that is gone in a minute",
            "ALLOWED_HOSTS": "127.0.0.1", "DATABASE_URL": migrated(Path(directory) / "db.sqlite3"),
            "ARTIFACTS_ROOT": f"{directory}/artifacts", "DJANGO_SETTINGS_MODULE": "folios.settings",
            "PRICE_SOURCES": "database,simulation",
        }  # fmt: skip
        said = run_python(setup, environment)
        command = [sys.executable, "-u", "manage.py", "runserver", "--noreload", "127.0.0.1:0"]
        log = Path(directory) / "server.log"
        with log.open("w") as output:
            server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
            try:
                yield Site(_address(server, log), environment, said)
            finally:
                server.terminate()
                server.wait()


def _address(server: subprocess.Popen[bytes], log: Path) -> str:
    """Return where the server listens, at a port that the system gave it, once it has answered there."""
    for _ in range(_PATIENCE * 10):
        assert server.poll() is None, log.read_text()
        if listens := _LISTENS.search(log.read_text()):
            try:
                with urllib.request.urlopen(f"{listens[1]}/login/"):
                    return listens[1]
            except urllib.error.HTTPError as error:
                raise AssertionError(f"{error.url}: {error.code}\n{log.read_text()}") from error
        time.sleep(0.1)
    raise AssertionError(f"no answer within {_PATIENCE} seconds:\n{log.read_text()}")


def chromium() -> str:
    """Return the path of a Chromium: FOLIOS_CHROMIUM, one on the PATH, or playwright's. Raises AssertionError."""
    named = os.environ.get("FOLIOS_CHROMIUM", "")
    on_path = [path for name in CHROMIUM if (path := shutil.which(name))]
    for path in (named, *on_path):
        if path and Path(path).is_file():
            return path
    own = playwrights_own()
    assert own.is_file(), "no Chromium: tests/browser/install.sh installs one, FOLIOS_CHROMIUM names another"
    return str(own)


def playwrights_own() -> Path:
    """Return where playwright puts its Chromium, whether or not it is there."""
    code = "from playwright.sync_api import sync_playwright as s\nwith s() as p: print(p.chromium.executable_path)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())
