"""The ASGI entry point."""

import os

from django.core.asgi import get_asgi_application

from folios.serving import require_lasting_secret_key

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "folios.settings")

require_lasting_secret_key()
application = get_asgi_application()
