"""The WSGI entry point. It runs the production settings, and does not start when they are weak."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

application = get_wsgi_application()

from config.security.startup import refuse_weak_start  # noqa: E402 - needs the app registry

refuse_weak_start()
