#!/usr/bin/env python
"""Django's command line. Without DJANGO_SETTINGS_MODULE it runs the local (loopback only) settings."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as refused:
        # What the operator has to mend is in the message; the way to it is not.
        if "--traceback" in sys.argv:
            raise
        sys.exit(f"{refused}")
