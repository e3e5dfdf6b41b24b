"""Whatever is sent to the running server: no answer is a fault, and none is outside the schema.

Some dozens of cases in every run; thousands where FOLIOS_LARGE is set.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from common.api.openapi import examples
from execution.models import ExecutionRun
from portfolios.models import Price, Strategy
from tests.counts import LARGE, count
from tests.folios.api.conftest import token_of
from tests.scenes import NOW, PUBLISHED, Desk

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "unsupported_method", "allow_header_conformance",
)  # fmt: skip
PHASES = "examples,coverage,fuzzing" if LARGE else "examples,fuzzing"


def test_no_case_finds_a_fault_or_an_answer_outside_the_schema(
    live_server: Any, desk: Desk, tmp_path: Path, settings: Any
):
    settings.API_RATES = {"read": "1000000/min", "write": "1000000/min"}
    desk.run(PUBLISHED)
    Price.objects.create(security_id="MSFT", price=100, source="test", as_of=NOW)
    Strategy.objects.create(pk=examples()["ExecutionBodyRequest"]["strategy_id"], name="Of the examples")
    token = token_of(User.objects.create_superuser("boss"))

    done = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "run", f"{live_server.url}/api/v1/schema/",
            "--header", f"Authorization: Token {token}", "--checks", ",".join(CHECKS), "--phases", PHASES,
            "--max-examples", str(count(2, 20)), "--max-time", str(count(18, 400)), "--continue-on-failure",
            "--report-json-path", "report.json", "--no-color", *([] if LARGE else ["--seed", "8"]),
        ],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-8_000:]
    report = json.loads((tmp_path / "report.json").read_text())
    assert ExecutionRun.objects.filter(source="api", status="succeeded").exists()
    assert report["test_cases"]["generated"] >= count(30, 2_000)
