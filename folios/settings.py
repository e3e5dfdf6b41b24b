"""Settings, read from the environment and `.env`; every variable is described in `.env.example`.

Nothing but SECRET_KEY is needed in production, and commands need not even that.
"""

import json
import os
import secrets
import sqlite3
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env_file = Path(os.environ.get("ENV_FILE", BASE_DIR / ".env"))
if env_file.is_file():
    environ.Env.read_env(env_file)

DEBUG = env.bool("DEBUG", default=False)

# A command signs nothing, so it runs without a key. folios.wsgi and folios.asgi refuse to serve with a passing one.
SECRET_KEY = env.str("SECRET_KEY", default="") or secrets.token_urlsafe(50)
SECRET_KEY_IS_PASSING = not env.str("SECRET_KEY", default="")

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])

# What the books and the runs are made of. A command of the product loads no more: folios.command_settings.
CORE_APPS = [
    "portfolios",
    "execution",
    "django.contrib.auth",
    "django.contrib.contenttypes",
]
# What pages need. The admin's autodiscovery imports every admin module; SimpleAdminConfig leaves it to folios.urls.
PAGE_APPS = [
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "csp",
    "axes",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "knox",
    "folios.tokens",
    "simple_history",
    "portfolios.history",
]
INSTALLED_APPS = [*CORE_APPS, *PAGE_APPS]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "common.web.timezone.ZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "axes.middleware.AxesMiddleware",
]

# Everything a page uses comes from this server; nothing is written into a page, and nothing is made at run time.
SELF, NONE = "'self'", "'none'"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
    }
}

# A password can be tried five times; then the name waits at that address for a quarter of an hour.
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
AXES_VERBOSE = False

# The API: tokens for programs, the session for people who look around in a browser.
KNOX_TOKEN_MODEL = "tokens.ApiToken"  # noqa: S105  # the name of a table
# Knox's own table would be made beside ours: its migrations do not know that the model can be swapped.
MIGRATION_MODULES = {"knox": None}
API_RATES = {
    "read": env.str("API_READ_RATE", default="1200/min"),
    "write": env.str("API_WRITE_RATE", default="120/min"),
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "folios.tokens.authentication.ApiTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "folios.tokens.permissions.TokenMayWrite",
        "common.api.permissions.HasNeededPermission",
    ],
    "DEFAULT_THROTTLE_CLASSES": [
        "common.api.throttling.ReadThrottle",
        "common.api.throttling.WriteThrottle",
    ],
    "DEFAULT_PARSER_CLASSES": ["execution.api.parsing.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "common.api.renderers.BrowsableRenderer",
    ],
    "DEFAULT_SCHEMA_CLASS": "common.api.openapi.ApiSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "common.api.problems.handle_exception",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Folios",
    "DESCRIPTION": "Research in, audited portfolio actions out. Money and quantities are strings, times ISO 8601.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": ["common.api.openapi.complete"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

ROOT_URLCONF = "folios.urls"
WSGI_APPLICATION = "folios.wsgi.application"
ASGI_APPLICATION = "folios.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "folios.frame.frame",
            ],
            "libraries": {
                "folios": "common.web.template_tags",
                "folios_lists": "common.admin.template_tags",
            },
        },
    },
]


def _sqlite_options() -> dict[str, Any]:
    """SQLite as a ledger needs it: one writer at a time from BEGIN on, and every commit on the disk."""
    # Before 3.51.3 a checkpoint in WAL mode can race with a writer and corrupt the file.
    journal = "WAL" if sqlite3.sqlite_version_info >= (3, 51, 3) else "DELETE"
    return {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": (
            f"PRAGMA journal_mode={journal}; PRAGMA synchronous=FULL; "
            "PRAGMA foreign_keys=ON; PRAGMA recursive_triggers=ON"
        ),
    }


def _postgres_options(given: dict[str, Any]) -> dict[str, Any]:
    """PostgreSQL with an end to every wait: no lock is held or waited for without a limit (milliseconds)."""
    limits = "-c lock_timeout=10000 -c statement_timeout=60000 -c idle_in_transaction_session_timeout=60000"
    return {**given, "options": f"{given.get('options', '')} {limits}".strip()}


def _database() -> dict[str, Any]:
    url = env.str("DATABASE_URL", default="") or f"sqlite:///{BASE_DIR / 'db.sqlite3'}"
    database: dict[str, Any] = dict(env.db_url_config(url))
    if database["ENGINE"] == "django.db.backends.sqlite3":
        return {**database, "ENGINE": "folios.db.sqlite3", "OPTIONS": _sqlite_options()}
    if database["ENGINE"] == "django.db.backends.postgresql":
        return {**database, "OPTIONS": _postgres_options(database.get("OPTIONS", {}))}
    raise ImproperlyConfigured(f"DATABASE_URL names {database['ENGINE']}: only sqlite and postgres are supported")


# ATOMIC_REQUESTS stays off: an execution commits by itself and must not be part of a larger transaction.
DATABASES = {"default": {**_database(), "ATOMIC_REQUESTS": False}}

# Every page wants a login; the views of one say so themselves.
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "dashboard:overview"
LOGOUT_REDIRECT_URL = "login"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
# Times are read and compared all over the world: 2026-01-05 09:30, always UTC.
FORMAT_MODULE_PATH = ["folios.formats"]

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = BASE_DIR / "static-collected"
# The server finds the files of the apps itself; `collectstatic` is for a web server in front.
WHITENOISE_USE_FINDERS = True

if not DEBUG:
    SESSION_COOKIE_SECURE = env.bool("SECURE_COOKIES", default=True)
    CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE

# Where research arrives, one directory per request.
ARTIFACTS_ROOT = Path(env.str("ARTIFACTS_ROOT", default="") or BASE_DIR / "artifacts")


def _up_to(limit: int, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= limit:  # nan is neither
        raise ImproperlyConfigured(f"{name} is {text!r}: not a number above 0, at most {limit}")
    return value


def _own_price_backends(text: str) -> dict[str, Any]:
    """The entries of PRICE_BACKENDS. They may hold keys, so what is wrong is shown by its place."""
    try:
        entries = json.loads(text or "{}")
    except json.JSONDecodeError as error:
        raise ImproperlyConfigured(f"PRICE_BACKENDS is not JSON: {error}") from None
    if not isinstance(entries, dict):
        raise ImproperlyConfigured("PRICE_BACKENDS is not a JSON object of the form {name: {BACKEND, OPTIONS}}")
    return entries


# Where prices come from, in this order: names of PRICE_BACKENDS, or dotted paths of classes.
PRICE_SOURCES = [name.strip() for name in env.list("PRICE_SOURCES", default=["database", "simulation"])]
# Sessions of the stock exchange after which a price is too old to trade at, as text: what cannot be read, as hours
# from before, is refused by the calls that need it, and named by a system check.
PRICE_MAX_AGE = env.str("PRICE_MAX_AGE", default="") or "2 sessions"
# Seconds after which a network source is given up, with all its attempts.
PRICE_TIMEOUT = _up_to(300, "PRICE_TIMEOUT", env.str("PRICE_TIMEOUT", default="") or "10")
# The sources that have a name: a class each, and its options. `simulation` gives every symbol the default price.
PRICE_BACKENDS: dict[str, Any] = {
    "simulation": {"BACKEND": "execution.prices.sources.constant.ConstantSource"},
    "file": {
        "BACKEND": "execution.prices.sources.file.FileSource",
        "OPTIONS": {"path": env.str("PRICE_FILE", default="")},
    },
    "database": {"BACKEND": "execution.prices.sources.database.DatabaseSource"},
    "yahoo": {
        "BACKEND": "execution.prices.sources.yahoo.YahooSource",
        "OPTIONS": {"url": env.str("YAHOO_URL", default="")},
    },
    "alpaca": {
        "BACKEND": "execution.prices.sources.alpaca.AlpacaSource",
        "OPTIONS": {
            "key": env.str("ALPACA_API_KEY", default=""),
            "secret": env.str("ALPACA_SECRET_KEY", default=""),
            "feed": env.str("ALPACA_FEED", default="") or "iex",
            "url": env.str("ALPACA_DATA_URL", default=""),
        },
    },
    **_own_price_backends(env.str("PRICE_BACKENDS", default="")),
}
DEFAULT_PRICE = Decimal(100)
DEFAULT_INITIAL_BALANCE = Decimal(100_000)

# The system's own trading state and limits. A strategy's risk policy can only be stricter; a limit that it leaves
# empty is the system's. The README lists all limits with their defaults: name here those that are to be others, as
# {"max_position_percent": Decimal(15)}. Percentages are of the account's total value.
# Checked here: a word that is none, met only while a request is executed, would make a failed run of each.
TRADING_STATE = env.str("TRADING_STATE", default="").strip().upper() or "ACTIVE"
if TRADING_STATE not in ("ACTIVE", "REDUCING", "HALTED"):
    raise ImproperlyConfigured(f"TRADING_STATE is {TRADING_STATE!r}: not one of ACTIVE, REDUCING, HALTED")
RISK_LIMITS: dict[str, Any] = {}
