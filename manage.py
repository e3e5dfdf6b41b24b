#!/usr/bin/env python
"""Django's command-line entry point."""

import gc
import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

# What a command imports lives to its end. To look through it for garbage again and again, as Python does every 700
# new objects, takes a third of the time of a short command.
gc.set_threshold(100_000, 20, 20)

BASE_DIR = Path(__file__).resolve().parent


def settings_module(arguments: list[str]) -> str:
    """Return the settings for a command line: lighter ones for the product's own commands."""
    name = f"{arguments[0]}.py" if arguments else ""
    ours = any((BASE_DIR / app / "management/commands" / name).is_file() for app in ("portfolios", "execution"))
    return "folios.command_settings" if ours else "folios.settings"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module(sys.argv[1:]))
    execute_from_command_line(sys.argv)
