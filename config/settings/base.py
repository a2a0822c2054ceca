"""The settings of production, which is the default. `local` and `test` only loosen, each in one place.

What the environment must give is read here and in `security`; `production` ends by refusing to start, with one
list, when anything is missing or weak.
"""

from pathlib import Path

from config.env import env
from config.settings.logging import *
from config.settings.project import PROJECT_APPS
from config.settings.security import *
from config.settings.sign_in import *
from config.settings.wiring import *

BASE_DIR = Path(__file__).resolve().parent.parent.parent

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

INSTALLED_APPS = [
    *PROJECT_APPS,
    "config.apps.ProjectConfig",  # named, as the module has two
    "apps.accounts",
    "apps.rbac",
    "apps.encryption",
    "apps.audit",
    "allauth",
    "allauth.account",
    "axes",
    "guardian",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "config.apps.AdminConfig",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",  # its templates, which FORM_RENDERER lets ours override
]

# Outermost first. A response passes them upwards, so the first ones also see what the others refuse.
MIDDLEWARE = [
    "config.security.trusted_proxy.TrustedProxyMiddleware",  # before all: everything else reads the client's address
    "config.security.request_id.RequestIdMiddleware",  # every log line and event below carries the id
    "config.security.headers.SecurityHeadersMiddleware",  # outside of whatever may refuse, so that errors have them too
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",  # static files need no session
    "config.security.fetch_metadata.FetchMetadataMiddleware",  # decides here, refuses in process_view: audited
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.audit.middleware.AuditContextMiddleware",  # outside of all that refuses by policy, to write the refusal
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "apps.rbac.middleware.PolicyMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "axes.middleware.AxesMiddleware",  # last, as axes asks
]

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
                "config.context_processors.site",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

DATABASES = {
    "default": env.database(
        "DATABASE_URL",
        engines=("postgresql",),
        cure="For example postgresql://app:…@db.example.org/site?sslmode=verify-full&sslrootcert=/etc/ssl/db-ca.crt",
    )
    # A request commits whole or not at all (a check holds it).
    | {"ATOMIC_REQUESTS": True},
}
# Prepared statements on the server, with bound parameters (ASVS 1.2.4).
DATABASES["default"]["OPTIONS"] = DATABASES["default"].get("OPTIONS", {}) | {
    "server_side_binding": env.boolean("DATABASE_SERVER_SIDE_BINDING", otherwise=True),
    "prepare_threshold": 5,
}

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": env.url(
            "REDIS_URL",
            schemes=("redis", "rediss", "unix"),
            cure="Rate limits live there, shared by all processes. For example rediss://:password@cache.example.org:6379/0",
        ),
        # Not pickle, which would run code that a writer of the cache puts there (CWE-502).
        "OPTIONS": {"serializer": "config.security.json_cache.JSONSerializer"},
        "KEY_PREFIX": "site",
    }
}

MAILERS = {"default": env.mailer("MAIL_URL", cure="For example smtps://user:password@mail.example.org:465")}
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", cure="The sender of mail, for example: Site <no-reply@example.org>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
SITE_URL = env.url("SITE_URL", schemes=("https",), cure="Where people find it, for example https://app.example.org")

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]  # the pages are in English only; allauth's would follow the browser
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT: Path | None = Path(env.text("STATIC_ROOT", otherwise=str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage",
        # Else FILE_UPLOAD_PERMISSIONS holds here too, and the proxy's user could not read what was collected.
        "OPTIONS": {"file_permissions_mode": 0o644, "directory_permissions_mode": 0o755},
    },
}
WHITENOISE_ALLOW_ALL_ORIGINS = False

RBAC_LOCK = BASE_DIR / "rbac.lock"  # what `manage.py rbac plan` compares the declared roles with

ADMIN_PATH = "administration/"  # where Django's admin is; who may open it is said in config.urls

# Set by local settings only: demo accounts may be made, and a line on each page says so.
DEMO = False
LOCAL_NOTICE = ""

from config.settings.project import *  # noqa: E402 - last: what the adopter sets stands
