"""System checks for what `check --deploy` does not notice (`hardening.E…`). Each names its cure."""

from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

PICKLING_OR_LOCAL = ("locmem", "dummy", "filebased", "db.DatabaseCache", "memcached")
HERE = ("localhost", "127.0.0.1", "::1")


def wrong(name: str, what: str, cure: str) -> CheckMessage:
    return Error(what, hint=cure, id=name)


@register(Tags.security)
def requests_are_atomic(**kwargs: Any) -> list[CheckMessage]:
    cure = "A request must commit whole, with its audit events, or not at all. Set it to True."
    return [
        wrong("hardening.E001", f"DATABASES[{alias!r}] does not set ATOMIC_REQUESTS.", cure)
        for alias, database in settings.DATABASES.items()
        if not database.get("ATOMIC_REQUESTS")
    ]


@register(Tags.security)
def middleware_is_complete(**kwargs: Any) -> list[CheckMessage]:
    needed = (
        "config.security.trusted_proxy.TrustedProxyMiddleware",
        "config.security.request_id.RequestIdMiddleware",
        "config.security.headers.SecurityHeadersMiddleware",
        "django.middleware.csp.ContentSecurityPolicyMiddleware",
        "django.middleware.security.SecurityMiddleware",
        "config.security.fetch_metadata.FetchMetadataMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "apps.audit.middleware.AuditContextMiddleware",
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
        "apps.rbac.middleware.PolicyMiddleware",
    )
    present = [name for name in settings.MIDDLEWARE if name in needed]
    if present == list(needed):
        return []
    missing = [name for name in needed if name not in present]
    what = f"lacks {', '.join(missing)}" if missing else "has them in another order than config/settings/base.py gives"
    return [wrong("hardening.E002", f"MIDDLEWARE {what}.", "Take the list of config/settings/base.py.")]


@register(Tags.security, deploy=True)
def hosts_are_named(**kwargs: Any) -> list[CheckMessage]:
    if not any("*" in host or host.startswith(".") for host in settings.ALLOWED_HOSTS):
        return []
    what = "ALLOWED_HOSTS holds a wildcard: a forged Host would be put into mailed links."
    return [wrong("hardening.E003", what, "Name each host.")]


@register(Tags.security, deploy=True)
def policy_of_content_is_strict(**kwargs: Any) -> list[CheckMessage]:
    policy = cast("dict[str, Any]", settings.SECURE_CSP)
    loose = [name for name, sources in policy.items() if "unsafe" in str(sources) or "*" in str(sources)]
    if "'none'" in str(policy.get("default-src", "")) and not loose:
        return []
    cure = "Start from default-src 'none' and allow only 'self'; nothing inline is needed."
    return [wrong("hardening.E004", f"SECURE_CSP is loose: {', '.join(loose) or 'default-src'}.", cure)]


@register(Tags.security, deploy=True)
def caches_are_shared_and_do_not_pickle(**kwargs: Any) -> list[CheckMessage]:
    why = "rate limits would not hold, or a writer of the cache could run code"
    cure = "Set REDIS_URL, with the serializer of config/settings/base.py."
    return [
        wrong("hardening.E005", f"CACHES[{alias!r}] is not shared by all processes, or pickles: {why}.", cure)
        for alias, cache in cast("dict[str, Any]", settings.CACHES).items()
        if any(kind in cache["BACKEND"] for kind in PICKLING_OR_LOCAL)
        or "json_cache" not in str(cache.get("OPTIONS", {}).get("serializer"))
    ]


@register(Tags.security, deploy=True)
def cookies_are_host_only(**kwargs: Any) -> list[CheckMessage]:
    return [
        wrong("hardening.E006", f"{name} does not begin with __Host-.", "A subdomain could overwrite it.")
        for name in ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME")
        if not getattr(settings, name).startswith("__Host-")
    ]


@register(Tags.security, deploy=True)
def connections_are_encrypted(**kwargs: Any) -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    for alias, database in settings.DATABASES.items():
        options = database.get("OPTIONS", {})
        host = str(database.get("HOST") or options.get("host") or "")
        local = host.startswith("/") or not host
        if "postgresql" in database["ENGINE"] and not local and options.get("sslmode") != "verify-full":
            what = f"DATABASES[{alias!r}] does not verify the server it speaks to."
            problems.append(wrong("hardening.E007", what, "Add ?sslmode=verify-full&sslrootcert=… to DATABASE_URL."))
    for alias, cache in settings.CACHES.items():
        url = urlsplit(str(cache.get("LOCATION", "")))
        if url.scheme == "redis" and url.hostname not in HERE:
            what = f"CACHES[{alias!r}] speaks in the clear."
            problems.append(wrong("hardening.E008", what, "Use rediss:// in REDIS_URL."))
    return problems


@register(Tags.security, deploy=True)
def keys_are_separate(**kwargs: Any) -> list[CheckMessage]:
    rings = [str(getattr(settings, name)) for name in settings.KEY_RINGS.values()]
    if len({settings.SECRET_KEY, *rings}) == len(rings) + 1:
        return []
    return [wrong("hardening.E009", "One key serves two purposes.", "Make a ring for each: manage.py keys generate")]


@register(Tags.security, deploy=True)
def rate_limits_are_on(**kwargs: Any) -> list[CheckMessage]:
    if settings.AXES_ENABLED and getattr(settings, "ACCOUNT_RATE_LIMITS", None) is not False:
        return []
    return [wrong("hardening.E010", "Sign-in is not throttled.", "Set AXES_ENABLED and ACCOUNT_RATE_LIMITS.")]


@register(Tags.security, deploy=True)
def transport_is_strict(**kwargs: Any) -> list[CheckMessage]:
    long = settings.SECURE_HSTS_SECONDS >= 31_536_000
    return [] if long else [wrong("hardening.E011", "SECURE_HSTS_SECONDS is under a year.", "ASVS 3.4.1 asks for one.")]
