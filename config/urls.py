"""Every address, and beside each include who may call its pages."""

from django.conf import settings
from django.contrib import admin
from django.urls import path

from apps.rbac.policies import login, perm, policy_include, public
from config import views
from config.project_urls import urlpatterns as project_urls
from config.security.csp_reports import csp_reports

SIGN_IN = public(reason="who signs in is not signed in yet")
SIGN_UP = public(reason="who has no account yet asks for one, or proves an address")
RESET = public(reason="who forgot the password can't sign in")
ACCESS = {"give": perm("rbac.manage"), "revoke": perm("rbac.manage"), "mine": login(), "drop": login()}

handler400 = "config.views.bad_request"
handler403 = "apps.rbac.views.refused"
handler429 = "apps.accounts.lockout.rate_exceeded"  # allauth's rate limits answer by it

AUDIT = {"export": perm("audit.export_event"), "my_activity": login()}

urlpatterns = [
    path("", views.home, name="home"),
    path("csp-reports/", csp_reports, name="csp_reports"),
    path("health/live/", views.live, name="health_live"),
    path("health/ready/", views.ready, name="health_ready"),
    path("metrics", views.metrics, name="metrics"),
    path("access/", policy_include("apps.rbac.urls", perm("rbac.view_roleassignment"), ACCESS)),
    path("account/", policy_include("apps.accounts.urls", login())),
    path(
        "accounts/",
        policy_include(
            "allauth.account.urls",
            login(),
            {
                "account_email_verification_sent": SIGN_UP,
                "account_inactive": SIGN_IN,
                "account_login": SIGN_IN,
                "account_logout": SIGN_UP,  # also how one leaves a sign-up half-way
                "account_reset_password": RESET,
                "account_reset_password_done": RESET,
                "account_reset_password_from_key": RESET,
                "account_reset_password_from_key_done": RESET,
                "account_signup": SIGN_UP,
            },
        ),
    ),
    path("audit/", policy_include("apps.audit.urls", perm("audit.view_event"), AUDIT)),
    path(settings.ADMIN_PATH, policy_include(admin.site.urls, perm("rbac.use_admin"))),
    *project_urls,
]
