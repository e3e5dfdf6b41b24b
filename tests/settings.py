"""Settings of the tests: the product's own, with nothing of the developer's machine in them.

DATABASE_URL chooses the database, as in production; `python -m tests.postgres` starts a PostgreSQL and sets it.
"""

import os
import tempfile
from pathlib import Path

from tests.memory import DIRECTORY

os.environ["ENV_FILE"] = os.devnull
for name in ("DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "TRADING_STATE", "ARTIFACTS_ROOT"):
    os.environ.pop(name, None)
for name in [name for name in os.environ if name.startswith(("PRICE_", "YAHOO_", "ALPACA_"))]:
    del os.environ[name]
os.environ.setdefault("DATABASE_URL", f"sqlite:///{DIRECTORY}/folios-test-{os.getpid()}.sqlite3")

from folios.settings import *  # noqa: E402, F403  # after the environment is clean

SECRET_KEY = "for tests only"
ARTIFACTS_ROOT = Path(tempfile.mkdtemp(prefix="folios-inbox-"))  # empty: not the research of `make demo`
STATIC_ROOT = Path(tempfile.mkdtemp(prefix="folios-static-"))  # nothing is collected: the apps' own files serve
WHITENOISE_AUTOREFRESH = True  # it looks for a file when it is asked for one, not for all whenever a client is made
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if DATABASES["default"]["ENGINE"] == "folios.db.sqlite3":  # noqa: F405
    # A file, not memory: several connections and processes have to see the same database.
    DATABASES["default"]["TEST"] = {"NAME": DATABASES["default"]["NAME"]}  # noqa: F405
