"""Who may do what: roles declared in code and given by rows, shares of single objects, and a policy on every view.

A *role* is a class in an app's `roles.py`; a `RoleAssignment` row gives it to a user or group, for everything, for one
container or for one object. A *share* gives single permissions on one object (django-guardian's direct foreign keys).
`decisions.check` answers from both, `querysets.ScopedQuerySet` lists by the same rules, `gates.access_or_404` fetches
and checks in one step, `policies.policy` says who may call a view, and a view without a policy is refused.
The names follow ANSI INCITS 359 (role, assignment, inheritance: a senior role inherits from a junior one).

To lift the folder into another Django project, copy `apps/rbac` and `tests/rbac`, and set:

    INSTALLED_APPS           add "apps.rbac" and "guardian"
    MIDDLEWARE               add "apps.rbac.middleware.PolicyMiddleware" after Django's LoginRequiredMiddleware
    AUTHENTICATION_BACKENDS  your sign-in backend, which answers no permission question, and then
                             "apps.rbac.backends.RBACBackend"; neither ModelBackend nor guardian's own
    ATOMIC_REQUESTS          True, in DATABASES: a refusal after the fact takes the request's writes back
    ANONYMOUS_USER_NAME      None; also GUARDIAN_MONKEY_PATCH_USER = GUARDIAN_MONKEY_PATCH_GROUP = False
    RBAC_DEFAULT_ROLE        slug of the role that each new user gets, or ""
    RBAC_SUPERUSER           whether an active superuser may do everything that has a name (True)
    RBAC_RAISE_ON_UNKNOWN    whether a permission that no model declares raises (DEBUG) or is refused and logged
    RBAC_LOCK                the file that `manage.py rbac plan` compares the declared roles with
    RBAC_STEP_UP             dotted path of `proved(request)`, asked before a privileged role is activated
    RBAC_STEP_UP_URL         name of the URL at which one proves it, with ?next=
    SILENCED_SYSTEM_CHECKS   add "guardian.W001", which asks for the backend that ours replaces

The user model's `has_perm`, `has_module_perms` and their async twins must ask the backends for superusers too, and
protected models and their containers have UUID primary keys. `manage.py check` says what is missing.
"""
