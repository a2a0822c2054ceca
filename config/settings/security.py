"""The auditor's page: one control a line, each with the threat that it stops and its OWASP ASVS 5.0 requirement."""

from datetime import timedelta
from functools import partial

from django.utils.csp import CSP

from apps.encryption.sources import validate
from config.env import Secret, env
from config.key_source import read_key_source

# ── Never in production ──────────────────────────────────────────────────────────────────────────────────────────
DEBUG = False  # stack traces and settings shown to strangers: 13.4.2, 16.5.1. No variable turns it on.

DEFAULT_EXCEPTION_REPORTER_FILTER = "config.security.debug_pages.KindsOnlyFilter"  # values in reports: 16.2.5

random_text = 'Make one with: python -c "import secrets; print(secrets.token_urlsafe(64))"'

# ── Keys: each for one purpose, none with a default (13.3.1) ─────────────────────────────────────────────────────
SECRET_KEY = env.secret("SECRET_KEY", shortest=50, cure=f"It signs sessions and links. {random_text}")
SECRET_KEY_FALLBACKS = env.secrets("SECRET_KEY_FALLBACKS")  # old keys, until their last session has ended
FIELD_ENCRYPTION_KEYS = env.ring("FIELD_ENCRYPTION_KEYS", validate, of="fields")  # 11.3.2, 14.1.2
# Apart, so that the keys of fields rotate without touching look-ups by the blind index.
FIELD_INDEX_KEYS = env.ring("FIELD_INDEX_KEYS", partial(validate, index=True), of="indexes")
# Signs the audit log's checkpoints, or where only public halves are, checks them: 16.4.2
AUDIT_SIGNING_KEYS = env.ring("AUDIT_SIGNING_KEYS", partial(validate, public=True), of="audit")
KEY_SOURCE = read_key_source(env)  # who unwraps the rings, if they are kept wrapped: 13.3.1
KEY_RINGS = {"audit": "AUDIT_SIGNING_KEYS", "fields": "FIELD_ENCRYPTION_KEYS", "indexes": "FIELD_INDEX_KEYS"}
KEY_REMAINS = {"audit": "apps.audit.notes.public_half"}  # kept of a destroyed key: signatures stay proven
KEY_USES = {  # asked before a key retires: how many stored values need it
    "fields": ["apps.encryption.key_uses.values_of_key"],
    "indexes": ["apps.encryption.key_uses.tags_of_root"],
}

# ── Who is told of each checkpoint of the audit log, so that nobody cuts its end off unseen (16.4.3) ──────────────
AUDIT_WITNESSES = env.addresses("AUDIT_WITNESSES", schemes=("file", "https", "mailto", "s3", "syslog"))

# ── Who is asking ────────────────────────────────────────────────────────────────────────────────────────────────
# A forged Host in mailed links: 4.1.1, CWE-644
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", cure="The names the site answers to, for example: app.example.org")
TRUSTED_PROXIES = env.networks(
    "TRUSTED_PROXIES", cure="The addresses of your TLS proxy, for example 10.0.0.0/24, or 127.0.0.1 on one machine"
)  # a client's forged X-Forwarded-For and -Proto: 4.1.3, 16.2.1
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")  # only ever from a trusted proxy: TrustedProxyMiddleware
USE_X_FORWARDED_HOST = False
# What Prometheus shows at /metrics, which is off without it: 13.4.5
METRICS_TOKEN = env.secret("METRICS_TOKEN", shortest=32, otherwise=Secret(""), cure=random_text)

# ── Transport ────────────────────────────────────────────────────────────────────────────────────────────────────
SECURE_SSL_REDIRECT = True  # clear text: 12.2.1
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]  # who asks is on the private network
SECURE_HSTS_SECONDS = int(timedelta(days=730).total_seconds())  # downgrade: 3.4.1
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = False  # opt in: it can't be taken back

# ── Cookies (3.3.1 to 3.3.4). __Host-: not overwritable from a subdomain ────────────────────────────────────────────
SESSION_ENGINE = "config.security.sessions"  # in the database, so that they can be ended: 7.4.1
SESSION_COOKIE_NAME = "__Host-sessionid"
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"  # Strict would lose the session on a mailed reset link
SESSION_COOKIE_AGE = int(timedelta(hours=12).total_seconds())  # absolute lifetime: 7.3.2
SESSION_SAVE_EVERY_REQUEST = False  # session fixation through cached pages: CVE-2026-35192
SESSION_SERIALIZER = "django.contrib.sessions.serializers.JSONSerializer"  # never pickle: 1.5.2
CSRF_COOKIE_NAME = "__Host-csrftoken"
CSRF_COOKIE_SECURE = True
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "config.views.csrf_failure"  # Django's own page breaks the policy below
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # its cookie could not be __Host-

# ── What a browser may do with a page ────────────────────────────────────────────────────────────────────────────
SECURE_CSP = {
    "default-src": [CSP.NONE],  # injected script: 3.4.3
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "manifest-src": [CSP.SELF],
    "form-action": [CSP.SELF],  # a form injected to send a password elsewhere
    "frame-ancestors": [CSP.NONE],  # clickjacking: 3.4.6
    "base-uri": [CSP.NONE],
    "object-src": [CSP.NONE],
    "require-trusted-types-for": ["'script'"],  # DOM injection
    "trusted-types": [CSP.NONE],
    "upgrade-insecure-requests": True,
    "report-to": ["csp"],  # what was stopped, here or in an attacker's page, is told: 3.4.7
    "report-uri": ["/csp-reports/"],  # for browsers that do not know report-to
}
SECURE_CONTENT_TYPE_NOSNIFF = True  # 3.4.4
SECURE_REFERRER_POLICY = "same-origin"  # 3.4.5; "no-referrer" would fail every form (Origin: null)
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"  # 3.4.8
RESPONSE_HEADERS = {  # with every response that does not say otherwise
    # Not only when signed in: a sign-in form holds a CSRF token, and a page that tells nothing is cheap to send again.
    "Cache-Control": "no-store, private",  # kept by no cache, the browser's included: 14.2.2, 14.3.2
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",  # 3.5.8
    "Origin-Agent-Cluster": "?1",
    "Permissions-Policy": ", ".join(
        [f"{feature}=()" for feature in ("accelerometer", "autoplay", "browsing-topics", "camera", "display-capture")]
        + [f"{feature}=()" for feature in ("encrypted-media", "fullscreen", "geolocation", "gyroscope", "hid")]
        + [f"{feature}=()" for feature in ("magnetometer", "microphone", "midi", "payment", "serial", "usb")]
        + ["publickey-credentials-get=(self)", "publickey-credentials-create=(self)"]
    ),
    "Reporting-Endpoints": 'csp="/csp-reports/"',
    "X-Frame-Options": "DENY",  # for browsers without frame-ancestors
    "X-Permitted-Cross-Domain-Policies": "none",
}

# ── Sizes: larger is refused before it is parsed (15.2.2) ────────────────────────────────────────────────────────
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # bytes of a form without its files
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 10
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "apps.encryption.uploads.SealedUploadHandler",  # larger ones: never on a disk in the clear (14.2.2)
]
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700

# ── Who may (8.2.1) ──────────────────────────────────────────────────────────────────────────────────────────────
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # first: refuses a locked-out caller before any hashing
    "apps.accounts.backends.SignInBackend",  # says who it is, never what they may
    "apps.rbac.backends.RBACBackend",  # says what they may, never who it is
]
RBAC_DEFAULT_ROLE = "user"
RBAC_SUPERUSER = True
RBAC_RAISE_ON_UNKNOWN = False  # in production an unknown permission is refused and logged; elsewhere it raises
ANONYMOUS_USER_NAME = None  # guardian: no row that stands for everybody
GUARDIAN_MONKEY_PATCH_USER = False
GUARDIAN_MONKEY_PATCH_GROUP = False

APPEND_SLASH = False  # a POST to a mistyped address would lose its body in a redirect

SILENCED_SYSTEM_CHECKS = [
    "guardian.W001",  # its backend is not listed: RBACBackend answers for shares and roles in one query
    "security.W002",  # X-Frame-Options: RESPONSE_HEADERS sends it, with errors too, which Django's middleware does not
    "security.W021",  # HSTS preload: see SECURE_HSTS_PRELOAD
]
