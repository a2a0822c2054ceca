"""The audit log: who did what, when, to what, from where, with which outcome and why; append-only.

To lift this folder into another Django project, copy it with `templates/audit` and `tests/audit`, and add:

    INSTALLED_APPS += ["apps.audit"]
    MIDDLEWARE: "apps.audit.middleware.AuditContextMiddleware", after authentication and before all that refuses
    DATABASES["default"]["ATOMIC_REQUESTS"] = True
    AUDIT_SIGNALS = {"path.to.signal": "app.noun.verb"}       # or Survives("app.noun.verb"); may be left out
    path("audit/", include("apps.audit.urls"))          # for audit.view_event; my_activity: for all signed in

    AUDIT_SIGNING_KEYS = a key ring: {"0000000a": {"state": "primary", "material": base64 of 32 random bytes}}

It needs `uuid-utils`, `cryptography`, a template `base.html` with the blocks `title` and `content`, and SQLite or
PostgreSQL. The id of a request is read from `request.request_id` if a middleware sets it; `REMOTE_ADDR` must be the
client's true address.

Where to start: `api.record` writes an event, `actions` holds the vocabulary, `sealing` and `verification` are for who
does not believe it; SPEC.md says what a stored event and a seal are.
"""
