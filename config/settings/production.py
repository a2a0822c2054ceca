"""What wsgi and asgi run. It adds nothing that base lacks: it refuses to start when anything is missing or weak."""

from config.env import env
from config.settings.base import *

env.finish()
