"""Every error of the API as RFC 9457 `application/problem+json`, with a code for machines and errors by field."""

import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions

from common.db.errors import explain

CONTENT_TYPE = "application/problem+json"
_LOG = logging.getLogger("django.request")

# The title of each status that the API answers with: the names of RFC 9110, and of RFC 6585 for 429. Those of
# http.HTTPStatus are others in each version of Python.
TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    409: "Conflict",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}

# The codes that do not come from the domain, by status.
CODES = {
    400: "INVALID",
    401: "NOT_AUTHENTICATED",
    403: "NOT_PERMITTED",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    409: "CONFLICT",
    415: "UNSUPPORTED_MEDIA_TYPE",
    429: "THROTTLED",
    503: "DATABASE_UNAVAILABLE",
}

# What is wrong with a database and may be over when the client calls again.
_MAY_PASS = {"DATABASE_FULL", "DATABASE_BUSY", "DATABASE_DISK", "DATABASE_READ_ONLY", "DATABASE_UNAVAILABLE"}


class ProblemError(exceptions.APIException):
    """An expected no with a status and a code of its own; `details` are the numbers behind it."""

    def __init__(self, *, status: int, code: str, detail: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail, code)
        self.status_code = status
        self.problem_code = code
        self.details = details or {}


def problem_response(  # the members of a problem
    path: str,
    *,
    status: int,
    detail: str,
    code: str = "",
    errors: Mapping[str, list[str]] | None = None,
    details: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """Return the problem as a response; `path` is the address that was asked for."""
    body = {
        "type": "about:blank",
        "title": TITLES[status],
        "status": status,
        "detail": detail,
        "instance": path,
        "code": code or CODES.get(status, "FAULT"),
        "errors": dict(errors or {}),
        "details": dict(details or {}),
    }
    return HttpResponse(json.dumps(body), status=status, reason=TITLES[status], content_type=CONTENT_TYPE)


def handle_exception(error: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """Return the problem for whatever a view raised. A fault is logged with its traceback, and not shown."""
    request: HttpRequest = context["request"]
    known = _known(error)
    if known is None:
        return _fault_response(error, request)
    response = problem_response(
        request.path,
        status=known.status_code,
        detail=_sentence(known),
        code=getattr(known, "problem_code", ""),
        errors=dict(_by_field(known)),
        details=getattr(known, "details", None),
    )
    if header := getattr(known, "auth_header", None):
        response["WWW-Authenticate"] = header
    if wait := getattr(known, "wait", None):
        response["Retry-After"] = str(int(wait) + 1)
    return response


def _known(error: Exception) -> exceptions.APIException | None:
    if isinstance(error, exceptions.APIException):
        return error
    if isinstance(error, Http404):
        return exceptions.NotFound()
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, SuspiciousOperation):
        return exceptions.ParseError("The request is not one that this server reads.")
    return None


def _fault_response(error: Exception, request: HttpRequest) -> HttpResponse:
    _LOG.error("Fault in %s %s", request.method, request.path, exc_info=error)
    if not isinstance(error, Error):
        return problem_response(request.path, status=500, detail="The server failed; its log says why.")
    code, _, words = explain(error).removeprefix("[").partition("] ")
    status = 503 if code in _MAY_PASS else 500
    return problem_response(request.path, status=status, detail=words.partition(" (")[0], code=code)


def _sentence(error: exceptions.APIException) -> str:
    if isinstance(error, exceptions.ValidationError):
        return "; ".join(f"{name}: {' '.join(texts)}" for name, texts in _by_field(error))[:2_000]
    return str(error.detail)


def _by_field(error: exceptions.APIException) -> Iterator[tuple[str, list[str]]]:
    """The messages of each field; a field inside another one is written with a point, as `prices.MSFT`."""
    if isinstance(error, exceptions.ValidationError):
        yield from _flat(error.detail, "")


def _flat(detail: Any, name: str) -> Iterator[tuple[str, list[str]]]:
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            part = "" if key == "non_field_errors" else str(key)
            yield from _flat(inner, f"{name}.{part}".strip("."))
    elif isinstance(detail, list) and any(isinstance(inner, Mapping | list) for inner in detail):
        for number, inner in enumerate(detail):
            yield from _flat(inner, f"{name}.{number}".strip("."))
    else:
        yield name or "body", [str(text) for text in (detail if isinstance(detail, list) else [detail])]
