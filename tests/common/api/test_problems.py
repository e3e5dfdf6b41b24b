"""The titles of problems: the names of the standard, whatever Python says."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from django.conf import settings
from rest_framework import exceptions

from common.api.problems import CODES, TITLES, problem_response
from execution.api.refusals import STATUSES, UNPROCESSABLE

# RFC 9110, section 15; 429 is of RFC 6585.
STANDARD = {
    400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 406: "Not Acceptable", 407: "Proxy Authentication Required",
    408: "Request Timeout", 409: "Conflict", 410: "Gone", 411: "Length Required", 412: "Precondition Failed",
    413: "Content Too Large", 414: "URI Too Long", 415: "Unsupported Media Type", 416: "Range Not Satisfiable",
    417: "Expectation Failed", 421: "Misdirected Request", 422: "Unprocessable Content", 426: "Upgrade Required",
    429: "Too Many Requests", 500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway",
    503: "Service Unavailable", 504: "Gateway Timeout", 505: "HTTP Version Not Supported",
}  # fmt: skip


def of_the_framework(kind: type[exceptions.APIException] = exceptions.APIException) -> Iterator[int]:
    """Yield the status of every exception that the REST framework raises by itself."""
    if kind.__module__ == exceptions.__name__:
        yield kind.status_code
    for inner in kind.__subclasses__():
        yield from of_the_framework(inner)


def test_every_title_is_the_name_that_the_standard_gives_the_status():
    assert {status: STANDARD[status] for status in TITLES} == TITLES


def test_every_status_that_the_api_can_answer_with_has_a_title():
    schema: dict[str, Any] = yaml.safe_load((settings.BASE_DIR / "docs" / "openapi.yaml").read_text())
    written = {int(name.removeprefix("Problem")) for name in schema["components"]["responses"]}
    answered = {*of_the_framework(), *STATUSES.values(), UNPROCESSABLE, *CODES}
    assert answered <= written == set(TITLES)


@pytest.mark.parametrize("status", TITLES)
def test_a_problem_and_its_status_line_say_the_same(status: int):
    response = problem_response("/api/v1/", status=status, detail="So it is.")
    assert response.reason_phrase == STANDARD[status]
    assert f'"title": "{STANDARD[status]}"'.encode() in response.content
