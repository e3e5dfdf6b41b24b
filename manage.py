#!/usr/bin/env python
"""Django's command-line entry point."""

import gc
import os
import sys

from django.core.management import execute_from_command_line

# What a command imports lives to its end. To look through it for garbage again and again, as Python does every 700
# new objects, takes a third of the time of a short command.
gc.set_threshold(100_000, 20, 20)

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "folios.settings")
    execute_from_command_line(sys.argv)
