"""The doors import what is asked for, and say all that they have."""

import ast
import inspect
import subprocess
import sys
from types import ModuleType

import pytest

from execution import services
from portfolios import ledger

DOORS = pytest.mark.parametrize("door", [services, ledger], ids=lambda door: door.__name__)


@DOORS
def test_every_name_of_a_door_is_there(door: ModuleType):
    assert {name: hasattr(door, name) for name in door.__all__} == dict.fromkeys(door.__all__, True)


@DOORS
def test_what_type_checkers_are_told_is_where_the_door_finds_it(door: ModuleType):
    tree = ast.parse(inspect.getsource(door))
    told = {
        name.name: node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for name in node.names
    }
    assert sorted(door.__all__) == sorted(set(told) - {"TYPE_CHECKING", "lazy_names"})
    assert {name: getattr(sys.modules[str(told[name])], name) for name in door.__all__} == {
        name: getattr(door, name) for name in door.__all__
    }


@DOORS
def test_a_name_that_a_door_does_not_have_is_said(door: ModuleType):
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = door.nonsense


@pytest.mark.slow
def test_the_published_command_imports_nothing_of_what_it_does_not_do():
    script = (
        "import django; django.setup(); import sys\n"
        "import execution.management.commands.execute_recommendations\n"
        "print([name for name in ('runs.reversal', 'runs.rebalance', 'runs.reproduction', 'runs.batch')\n"
        "       if f'execution.{name}' in sys.modules])"
    )
    env = {
        "DJANGO_SETTINGS_MODULE": "folios.command_settings",
        "ENV_FILE": "/dev/null",
        "DATABASE_URL": "sqlite://",
    }
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env, check=True)
    assert done.stdout.strip() == "[]"
