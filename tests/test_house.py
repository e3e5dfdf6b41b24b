"""The house keeps its measures: short files, short functions, and a guide that names files which exist."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("common", "portfolios", "execution", "folios")
MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 70


def code_files() -> Iterator[Path]:
    """Every module of the product that people write; what makemigrations writes is left out."""
    for package in PACKAGES:
        yield from (path for path in sorted((ROOT / package).rglob("*.py")) if "migrations" not in path.parts)


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Each function of a file, with how many lines it has."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def test_no_file_of_code_is_longer_than_400_lines():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in code_files()}
    assert len(lengths) > 200
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES_OF_A_FILE} == {}


def test_no_function_is_longer_than_70_lines_and_half_of_them_are_under_10():
    lengths = {
        f"{path.relative_to(ROOT)}:{name}": lines for path in code_files() for name, lines in functions(path)
    }
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES_OF_A_FUNCTION} == {}
    assert sorted(lengths.values())[len(lengths) // 2] < 10


@pytest.mark.parametrize("guide", ["CONTRIBUTING.md", "docs/architecture.md", "README.md"])
def test_the_files_that_a_guide_names_exist(guide: str):
    words = re.findall(r"`([\w./-]+)`", (ROOT / guide).read_text())
    paths = [word for word in words if word.startswith((*(f"{name}/" for name in PACKAGES), "tests/", "docs/"))]
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []
