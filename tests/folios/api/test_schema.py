"""What the OpenAPI schema promises, and the page that shows it."""

import re
from typing import Any

import jsonschema
import pytest
import yaml
from django.conf import settings
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer

from common.api.openapi import examples

EXAMPLES = examples()
FILE = settings.BASE_DIR / "docs" / "openapi.yaml"
SCHEMA: dict[str, Any] = yaml.safe_load(FILE.read_text())
OPERATIONS = [
    (f"{method} {path}", operation)
    for path, methods in SCHEMA["paths"].items()
    for method, operation in methods.items()
]


def test_the_schema_in_the_repository_is_the_schema_of_the_code():
    generator: Any = SchemaGenerator
    renderer: Any = OpenApiYamlRenderer
    made = renderer().render(generator().get_schema(public=True), renderer_context={})
    assert made.decode() == FILE.read_text(), "run make schema"


@pytest.mark.parametrize(("name", "operation"), OPERATIONS, ids=[name for name, _ in OPERATIONS])
def test_every_operation_says_what_it_does_who_may_and_what_can_go_wrong(name: str, operation: dict[str, Any]):
    assert operation["summary"]
    assert len(operation["description"]) > 20
    assert re.search(r"Permission: `\w+\.\w+`\.$", operation["description"])
    wrong = {"400", "401", "403", "404", "405", "406", "429", "500", "503"}
    if "requestBody" in operation:
        wrong |= {"409", "415", "422"}
    assert wrong < set(operation["responses"])
    assert {"token": []} in operation["security"]


def referred(schema: Any) -> set[str]:
    """Return the names of the components that a schema refers to."""
    if isinstance(schema, dict):
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        return {name} - {""} | {inner for value in schema.values() for inner in referred(value)}
    return {inner for value in schema for inner in referred(value)} if isinstance(schema, list) else set()


@pytest.mark.parametrize(("name", "operation"), OPERATIONS, ids=[name for name, _ in OPERATIONS])
def test_every_operation_has_an_example_of_what_goes_in_and_comes_out(name: str, operation: dict[str, Any]):
    good = {status: said for status, said in operation["responses"].items() if status.startswith("2")}
    for part in (operation.get("requestBody"), good):
        names = referred(part) if part else set(EXAMPLES)
        pages = {inner for name in names for inner in referred(SCHEMA["components"]["schemas"][name])}
        assert (names | pages) & set(EXAMPLES)


def without_nullable(schema: Any) -> Any:
    """Return a schema of OpenAPI 3.0 as JSON Schema has it."""
    if isinstance(schema, list):
        return [without_nullable(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: without_nullable(value) for key, value in schema.items() if key != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_one(name: str):
    schema = {"$ref": f"#/components/schemas/{name}", **without_nullable(SCHEMA)}
    jsonschema.Draft202012Validator(schema).validate(EXAMPLES[name])
    assert SCHEMA["components"]["schemas"][name]["example"] == EXAMPLES[name]


@pytest.mark.django_db
def test_the_schema_is_served(client: Client):
    response = client.get("/api/v1/schema/", headers={"Accept": "application/vnd.oai.openapi"})
    assert response.status_code == 200
    assert yaml.safe_load(response.content)["paths"].keys() == SCHEMA["paths"].keys()


@pytest.mark.django_db
def test_the_documentation_keeps_to_the_policy_of_the_pages(client: Client):
    page = client.get("/api/v1/docs/")
    text = page.content.decode()
    assert "default-src 'self'" in page.headers["Content-Security-Policy"].split("; ")
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert "<style" not in text
    assert " style=" not in text
    assert re.findall(r"<script(?! src=)", text) == []
    assert re.findall(r" on\w+=", text) == []
    sources = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert len(sources) == 5
    assert all(source.startswith("/") and not source.startswith("//") for source in sources)
    for source in sources:
        response = client.get(source.replace("&amp;", "&"))
        assert response.status_code == 200, source
        response.close()


@pytest.mark.django_db
def test_the_script_of_the_documentation_is_a_file_of_its_own(client: Client):
    script = client.get("/api/v1/docs/?script=")
    assert script.headers["Content-Type"].startswith("application/javascript")
    assert b"/api/v1/schema/" in script.content
