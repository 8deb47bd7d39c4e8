"""For a WSGI server of one's own: `gunicorn sightline.web.wsgi`. Refuses to load where `serve` would."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sightline.web.settings")

from django.core.wsgi import get_wsgi_application

from sightline.web.serving import check_safe

application = get_wsgi_application()
check_safe("127.0.0.1")
