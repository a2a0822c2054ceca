"""The ASGI entry point. It runs the production settings, and does not start when they are weak."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

application = get_asgi_application()

from config.security.startup import refuse_weak_start  # noqa: E402 - needs the app registry

refuse_weak_start()
