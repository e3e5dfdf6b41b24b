"""The WSGI entry point: `gunicorn folios.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

from folios.serving import require_lasting_secret_key

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "folios.settings")

require_lasting_secret_key()
application = get_wsgi_application()
