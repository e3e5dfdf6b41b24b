"""The settings of the product's commands with less patience and less room: the environment says how much."""

import os
from typing import Any

from folios.command_settings import *  # noqa: F403

_options: dict[str, Any] = DATABASES["default"]["OPTIONS"]  # noqa: F405
_is_sqlite = DATABASES["default"]["ENGINE"] == "folios.db.sqlite3"  # noqa: F405

if "TEST_LOCK_WAIT_MS" in os.environ:
    _wait = int(os.environ["TEST_LOCK_WAIT_MS"])
    if _is_sqlite:
        _options["timeout"] = _wait / 1000
    else:
        _options["options"] += f" -c lock_timeout={_wait}"

if "TEST_MAX_PAGES" in os.environ:
    _options["init_command"] += f"; PRAGMA max_page_count={int(os.environ['TEST_MAX_PAGES'])}"
