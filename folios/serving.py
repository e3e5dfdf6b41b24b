"""What must hold before pages are served."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def require_lasting_secret_key() -> None:
    """Refuse to serve with a key made up at start-up: each worker would sign with another one.

    Raises ImproperlyConfigured. Development (DEBUG) may: it has one process.
    """
    if settings.SECRET_KEY_IS_PASSING and not settings.DEBUG:
        raise ImproperlyConfigured("SECRET_KEY is not set: the web server needs a lasting one, see .env.example")
