"""docs/api.md: every line of its tour runs against a live server and says what the document says it says."""

import re
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings

from tests.processes import environment
from tests.scenes import Inbox

DOCUMENT = (settings.BASE_DIR / "docs" / "api.md").read_text()
END = "--- end of a block ---"


def blocks_of(document: str) -> list[tuple[str, str]]:
    """Return the commands of each shell block with the output that stands under it."""
    found = re.findall(r"```sh\n(.*?)```\n(?:\n```\n(.*?)```)?", document, re.DOTALL)
    return [(str(commands), str(output)) for commands, output in found]


def as_pattern(output: str) -> str:
    """Return what output must look like: `...` stands for anything on its line."""
    return re.escape(output.strip()).replace(r"\.\.\.", ".+")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_every_line_of_the_tour_runs(live_server: Any, inbox: Inbox):
    blocks = blocks_of(DOCUMENT)
    assert len(blocks) == 8
    script = "".join(f"{commands}echo '{END}'\n" for commands, _ in blocks)
    for written, here in (("http://127.0.0.1:8000", live_server.url), (".venv/bin/python", sys.executable)):
        assert written in script
        script = script.replace(written, here)

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=settings.BASE_DIR, env=environment(inbox.root), capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    told = done.stdout.split(END)
    for (commands, output), said in zip(blocks, told, strict=False):
        if output:
            assert re.fullmatch(as_pattern(output), said.strip()), f"{commands}said {said}, not {output}"
