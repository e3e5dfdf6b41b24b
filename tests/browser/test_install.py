"""install.sh beside another program that is installing something: it says that it waits, and waits."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.processes import ROOT

pytestmark = pytest.mark.slow

LOCKED = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 4711 (apt-get)"
HELD_TWICE = f"""mapfile -t calls < "${{0%/*}}/calls"
((${{#calls[@]}} % 3 == 0)) || {{ echo "{LOCKED}" >&2; exit 100; }}"""
BROKEN = "E: The repository 'http://deb.example stable Release' does not have a Release file."

Install = Callable[[str], "subprocess.CompletedProcess[str]"]


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """Return the way to run the script as root of a machine without a browser, with a stand-in for apt-get."""
    scripts = {"id": "echo 0", "sleep": "", "python3": "echo /nowhere"}
    for name in ("bash", "dirname"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))

    def run(apt_get: str) -> "subprocess.CompletedProcess[str]":
        for name, script in {**scripts, "apt-get": f'echo "$@" >> "${{0%/*}}/calls"\n{apt_get}'}.items():
            (tmp_path / name).write_text(f"#!{tmp_path}/bash\n{script}\n")
            (tmp_path / name).chmod(0o755)
        command = [str(tmp_path / "bash"), "tests/browser/install.sh", "python3"]
        return subprocess.run(
            command, cwd=ROOT, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
        )

    return run


def test_it_says_once_that_another_program_holds_a_lock_and_waits_until_it_is_free(
    install: Install, tmp_path: Path
):
    update, browser = "-qq update", "-qq install -y --no-install-recommends chromium"
    done = install(HELD_TWICE)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "The browser tests need a Chromium: installing one",
        f"Waiting, for 15 minutes at most, for another program's lock: {LOCKED}",
    ]
    assert (tmp_path / "calls").read_text().splitlines() == [update] * 3 + [browser] * 3


def test_what_has_nothing_to_do_with_a_lock_fails_at_once(install: Install, tmp_path: Path):
    done = install(f'echo "{BROKEN}" >&2; exit 100')
    assert (done.returncode, done.stderr) == (1, f"{BROKEN}\n")
    assert (tmp_path / "calls").read_text() == "-qq update\n"
