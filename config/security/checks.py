"""System checks for what `check --deploy` does not notice (`hardening.E…`). Each names its cure."""

from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

PICKLING_OR_LOCAL = ("locmem", "dummy", "filebased", "db.DatabaseCache", "memcached")


@register(Tags.security)
def requests_are_atomic(**kwargs: Any) -> list[CheckMessage]:
    return [
        Error(
            f"DATABASES[{alias!r}] does not set ATOMIC_REQUESTS.",
            hint="A request must commit whole, with its audit events, or not at all. Set it to True.",
            id="hardening.E001",
        )
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
    return [Error(f"MIDDLEWARE {what}.", hint="Take the list of config/settings/base.py.", id="hardening.E002")]


@register(Tags.security, deploy=True)
def hosts_are_named(**kwargs: Any) -> list[CheckMessage]:
    if not any("*" in host or host.startswith(".") for host in settings.ALLOWED_HOSTS):
        return []
    return [
        Error(
            "ALLOWED_HOSTS holds a wildcard: a forged Host would be put into mailed links.",
            hint="Name each host.",
            id="hardening.E003",
        )
    ]


@register(Tags.security, deploy=True)
def policy_of_content_is_strict(**kwargs: Any) -> list[CheckMessage]:
    policy = cast("dict[str, Any]", settings.SECURE_CSP)
    loose = [name for name, sources in policy.items() if "unsafe" in str(sources) or "*" in str(sources)]
    if "'none'" in str(policy.get("default-src", "")) and not loose:
        return []
    return [
        Error(
            f"SECURE_CSP is loose: {', '.join(loose) or 'default-src'}.",
            hint="Start from default-src 'none' and allow only 'self'; nothing inline is needed.",
            id="hardening.E004",
        )
    ]


@register(Tags.security, deploy=True)
def caches_are_shared_and_do_not_pickle(**kwargs: Any) -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    caches: dict[str, Any] = settings.CACHES
    for alias, cache in caches.items():
        if any(kind in cache["BACKEND"] for kind in PICKLING_OR_LOCAL):
            problem = "is not shared by all processes, or pickles"
        elif "json_cache" not in str(cache.get("OPTIONS", {}).get("serializer")):
            problem = "pickles what it stores"
        else:
            continue
        problems.append(
            Error(
                f"CACHES[{alias!r}] {problem}: rate limits would not hold, or a writer of the cache could run code.",
                hint="Set REDIS_URL, with the serializer of config/settings/base.py.",
                id="hardening.E005",
            )
        )
    return problems


@register(Tags.security, deploy=True)
def cookies_are_host_only(**kwargs: Any) -> list[CheckMessage]:
    return [
        Error(f"{name} does not begin with __Host-.", hint="A subdomain could overwrite it.", id="hardening.E006")
        for name in ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "LANGUAGE_COOKIE_NAME")
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
            problems.append(
                Error(
                    f"DATABASES[{alias!r}] does not verify the server it speaks to.",
                    hint="Add ?sslmode=verify-full&sslrootcert=… to DATABASE_URL.",
                    id="hardening.E007",
                )
            )
    for alias, cache in settings.CACHES.items():
        url = urlsplit(str(cache.get("LOCATION", "")))
        if url.scheme == "redis" and url.hostname not in ("localhost", "127.0.0.1", "::1"):
            problems.append(
                Error(
                    f"CACHES[{alias!r}] speaks in the clear.", hint="Use rediss:// in REDIS_URL.", id="hardening.E008"
                )
            )
    return problems


@register(Tags.security, deploy=True)
def keys_are_separate(**kwargs: Any) -> list[CheckMessage]:
    rings = [str(getattr(settings, name)) for name in settings.KEY_RINGS.values()]
    if len({settings.SECRET_KEY, *rings}) == len(rings) + 1:
        return []
    return [
        Error("One key serves two purposes.", hint="Make a ring for each: manage.py keys generate", id="hardening.E009")
    ]


@register(Tags.security, deploy=True)
def rate_limits_are_on(**kwargs: Any) -> list[CheckMessage]:
    if settings.AXES_ENABLED and getattr(settings, "ACCOUNT_RATE_LIMITS", None) is not False:
        return []
    return [Error("Sign-in is not throttled.", hint="Set AXES_ENABLED and ACCOUNT_RATE_LIMITS.", id="hardening.E010")]


@register(Tags.security, deploy=True)
def transport_is_strict(**kwargs: Any) -> list[CheckMessage]:
    if settings.SECURE_HSTS_SECONDS >= 31_536_000:
        return []
    return [Error("SECURE_HSTS_SECONDS is under a year.", hint="ASVS 3.4.1 asks for one.", id="hardening.E011")]
