"""A program that calls the API, without a network in between."""

import json
import uuid
from typing import Any

from django.test import Client
from django.urls import resolve

import execution.api.urls
import portfolios.api.urls

V1 = "/api/v1"


class Caller:
    """Calls with a token, or without one."""

    def __init__(self, token: str | None = None) -> None:
        headers = {"Authorization": f"Token {token}"} if token else {}
        self.client = Client(headers=headers, raise_request_exception=False)

    def get(self, address: str, **parameters: Any) -> Any:
        """Return the response to a GET below /api/v1."""
        return self.client.get(f"{V1}{address}", parameters)

    def post(self, address: str, body: Any) -> Any:
        """Return the response to a POST of JSON; text and bytes are sent as they are."""
        content = body if isinstance(body, str | bytes) else json.dumps(body)
        return self.client.post(f"{V1}{address}", content, content_type="application/json")

    def rows(self, address: str, **parameters: Any) -> list[dict[str, Any]]:
        """Return the rows of a list's first page."""
        response = self.get(address, **parameters)
        assert response.status_code == 200, response.content
        found: list[dict[str, Any]] = response.json()["results"]
        return found


def new_id() -> str:
    """Return a new request id."""
    return str(uuid.uuid4())


def problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """Return the problem in a response; fail where it is none, or another one."""
    assert response.headers["Content-Type"] == "application/problem+json", response.content
    body: dict[str, Any] = response.json()
    assert (response.status_code, body["status"], body["code"]) == (status, status, code), body
    assert set(body) == {"type", "title", "status", "detail", "instance", "code", "errors", "details"}
    return body


def action_of(method: str, address: str) -> tuple[str, str]:
    """Return the view and the action that an address below /api/v1 leads to."""
    view: Any = resolve(f"{V1}{address}").func
    return view.cls.__name__, view.actions[method]


def every_action(*methods: str) -> set[tuple[str, str]]:
    """Return every action of every view that the API has an address for, by these methods."""
    patterns: list[Any] = [*portfolios.api.urls.urlpatterns, *execution.api.urls.urlpatterns]
    return {
        (each.callback.cls.__name__, action)
        for each in patterns
        for method, action in each.callback.actions.items()
        if method in methods
    }
