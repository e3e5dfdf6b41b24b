"""The door of a package that imports what is asked for, when it is asked for (PEP 562).

A short command needs a tenth of what a door offers; to import the rest would take it longer than its own work.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazy_names(door: dict[str, Any], homes: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a module whose globals are `door`: names by the module that defines them.

    What was asked for once stays in the door, so that it can be replaced there. Raises AttributeError for others.
    """
    home_of = {name: module for module, names in homes.items() for name in names}

    def find(name: str) -> Any:
        module = home_of.get(name)
        if module is None:
            raise AttributeError(f"module {door['__name__']!r} has no attribute {name!r}")
        door[name] = getattr(import_module(module), name)
        return door[name]

    return find
