"""What the OpenAPI schema says beside what the code of a view says by itself: permissions, errors, examples."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from django.apps import apps
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view

from common.api.problems import CODES, CONTENT_TYPE, TITLES
from common.api.rows import columns_of

_View = TypeVar("_View", bound=type[Any])

# What each operation may answer beside its own, and what those that write, or preview what would be written, may.
_ALWAYS = {
    400: "A parameter or the body is not what the schema says; `errors` has the fields.",
    401: "No token, or one that is wrong or expired.",
    403: "The user lacks the permission, or the token is read-only.",
    404: "There is no such thing.",
    405: "The address does not have this method; `Allow` names those it has.",
    406: "The client accepts neither JSON nor HTML.",
    429: "Too many calls; `Retry-After` says when to call again.",
    500: "A fault of the server.",
    503: "The database cannot be used, or no price source can be asked; `code` says why.",
}
_WRITING = {
    409: "It conflicts with what is there: changed content, a stale plan token, a name that is taken.",
    415: "The body is not JSON.",
    422: "The content is understood, and refused; `code` says why.",
}

PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance", "code", "errors", "details"],
    "properties": {
        "type": {"type": "string", "description": "Always `about:blank`: `code` says what kind it is."},
        "title": {"type": "string", "description": "The phrase of the status."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One sentence for people."},
        "instance": {"type": "string", "description": "The address that was asked for."},
        "code": {"type": "string", "description": "What went wrong, for machines."},
        "errors": {
            "type": "object",
            "description": "Messages by field; a field inside another one is written as `prices.MSFT`.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        "details": {"type": "object", "description": "The values behind the code.", "additionalProperties": {}},
    },
}


class ApiSchema(AutoSchema):
    """Adds the permission of each operation, and the fields that `fields=` may name."""

    view: Any  # one of common.api.views, or drf-spectacular's own

    def get_operation(self, *arguments: Any) -> Any:
        operation = super().get_operation(*arguments)
        needed = getattr(self.view, "needs", {}).get(getattr(self.view, "action", None))
        if operation is not None and needed is not None:
            said = operation.get("description", "")
            operation["description"] = f"{said}\n\nPermission: `{needed}`."
        return operation

    def get_override_parameters(self) -> list[Any]:
        known = self.view.parameters_of(self.view.action) if hasattr(self.view, "parameters_of") else frozenset()
        declared = list(super().get_override_parameters())
        return [*declared, self._fields()] if "fields" in known else declared

    def _fields(self) -> OpenApiParameter:
        row = self.view.detail_class if self.view.action == "retrieve" else None
        return OpenApiParameter(
            "fields",
            many=True,
            explode=False,
            style="form",
            enum=[column.name for column in columns_of(row or self.view.serializer_class)],
            description="Only these fields, separated by commas.",
        )


def listed(plural: str, singular: str) -> Callable[[_View], _View]:
    """Return a class decorator that says what a view's list and its single row are."""

    def decorate(view: _View) -> _View:
        says = {
            name: extend_schema(summary=summary, description=view.__doc__)
            for name, summary in (("list", f"List {plural}"), ("retrieve", f"One {singular}"))
            if name in view.needs
        }
        decorated: _View = extend_schema_view(**says)(view)
        return decorated

    return decorate


@cache
def examples() -> Mapping[str, Any]:
    """Return the example of each component: every app keeps its own in `api/examples/`, in files of that name."""
    directories = [Path(app.path) / "api" / "examples" for app in apps.get_app_configs()]
    files = [file for directory in directories for file in sorted(directory.glob("*.json"))]
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


def complete(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add the errors and the examples to the finished schema: the hook of drf-spectacular."""
    schemas = result["components"]["schemas"]
    schemas["Problem"] = PROBLEM
    for name, schema in schemas.items():
        if name.endswith(("Row", "Detail")):
            schema.pop("required", None)  # `fields=` chooses
        if name.endswith("BodyRequest"):
            schema["additionalProperties"] = False
    for name, example in examples().items():
        schemas[name]["example"] = example
    every = {**_ALWAYS, **_WRITING}
    result["components"]["responses"] = {f"Problem{status}": _error(status, text) for status, text in every.items()}
    for address, methods in result["paths"].items():
        for method, operation in methods.items():
            writes = method == "post" or address.endswith("/preview/")
            errors = {**_ALWAYS, **(_WRITING if writes else {})}
            operation["responses"].update(
                {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in errors}
            )
    _drop(result, "x-spec-enum-id")
    return result


def _drop(value: Any, key: str) -> None:
    """Take a key away wherever it stands: it is of use while the schema is made only."""
    if isinstance(value, dict):
        value.pop(key, None)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _drop(inner, key)


def _error(status: int, text: str) -> dict[str, Any]:
    example = {
        "type": "about:blank",
        "title": TITLES[status],
        "status": status,
        "detail": text.partition(";")[0],
        "instance": "/api/v1/executions/",
        "code": CODES.get(status, "NO_RECOMMENDATIONS" if status == 422 else "FAULT"),
        "errors": {},
        "details": {},
    }
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
    return {"description": text, "content": {CONTENT_TYPE: content}}
