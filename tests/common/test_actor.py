"""Who types a command."""

import getpass
import os

import pytest

from common.actor import os_user


def test_the_actor_is_the_user_of_the_operating_system():
    assert os_user() == getpass.getuser()


def test_a_user_without_a_name_is_called_command(monkeypatch: pytest.MonkeyPatch):
    """As in a container that runs under any number."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54_321)
    assert os_user() == "command"
