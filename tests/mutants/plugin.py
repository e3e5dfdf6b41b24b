"""A pytest plugin: imports one module with one change in it, and asks the tests nearest to it first.

`FOLIOS_MUTANT` names the module's path and the change's number, as `portfolios/domain/accounting.py:17`; without it
the tests run on the source as it is. No file is written.
"""

import os
import resource
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path, PurePosixPath
from types import CodeType, ModuleType

import pytest
from hypothesis import Phase, settings

from tests.mutants.mutations import mutated

EXAMPLES = 25
MEMORY = 4 * 2**30  # a loop that no longer ends must not take the machine with it


class _MutantLoader(SourceFileLoader):
    """Compiles the changed tree, past the cache of bytecode."""

    def __init__(self, fullname: str, path: str, number: int) -> None:
        super().__init__(fullname, path)
        self.number = number

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002  # the loader knows one module
        source = Path(self.path).read_text(encoding="utf-8")
        return compile(mutated(source, self.number), self.path, "exec")


class _MutantFinder(MetaPathFinder):
    """Finds one module, in the form that is to be tried."""

    def __init__(self, path: str, number: int) -> None:
        self.name = module_name(path)
        self.path = path
        self.number = number

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002  # asked of every finder
        target: ModuleType | None = None,  # noqa: ARG002  # the same
    ) -> ModuleSpec | None:
        if fullname != self.name:
            return None
        found = str(Path(self.path).resolve())
        return spec_from_file_location(fullname, found, loader=_MutantLoader(fullname, found, self.number))


def module_name(path: str) -> str:
    """Return the dotted name of the module at a path relative to the root."""
    return ".".join(PurePosixPath(path).with_suffix("").parts).removesuffix(".__init__")


def nearness(test_path: str, module_path: str) -> int:
    """Return 0 for the module's own tests, 1 for those of its room, 2 for all others."""
    module, test = PurePosixPath(module_path), PurePosixPath(test_path)
    if test.parent != "tests" / module.parent:
        return 2
    return 0 if test.name.startswith(f"test_{module.stem}") else 1


def pytest_configure() -> None:
    """Let Hypothesis try the same few cases for every mutant, and keep none of them."""
    settings.register_profile(
        "mutants",
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
    )
    settings.load_profile("mutants")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ask the nearest tests first, and before those with random cases or a database the plain ones."""
    items.sort(
        key=lambda item: (
            nearness(item.nodeid.partition("::")[0], _path),
            item.get_closest_marker("database") is not None,
            item.get_closest_marker("hypothesis") is not None,
        )
    )


_path, _, _number = os.environ.get("FOLIOS_MUTANT", "").rpartition(":")
if _path:
    sys.meta_path.insert(0, _MutantFinder(_path, int(_number)))
if _seconds := int(os.environ.get("FOLIOS_MUTANT_SECONDS", "0")):
    # Of the processor, not of the clock: a busy machine kills no mutant.
    resource.setrlimit(resource.RLIMIT_CPU, (_seconds, _seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
