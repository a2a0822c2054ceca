"""Who may sign in, and how: passwords, allauth, axes. Each line with its reason and its OWASP ASVS 5.0 requirement.

`AUTH_USER_MODEL` and `AUTHENTICATION_BACKENDS` stand in `security`, beside the other questions of who may what.
"""

from datetime import timedelta

# ── Where ────────────────────────────────────────────────────────────────────────────────────────────────────────
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"

# ── Passwords ────────────────────────────────────────────────────────────────────────────────────────────────────
PASSWORD_HASHERS = [
    "apps.accounts.hashers.Argon2idHasher",  # RFC 9106's second choice: stolen hashes stay expensive, 11.4.2
    # Only to read hashes that an import brought along. Each is replaced by the first when its owner signs in.
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    # Without a second factor length is all there is: 6.2.1
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 15}},
    {"NAME": "apps.accounts.validators.MaximumLengthValidator"},  # 1,024, never cut short: 6.2.8, 6.2.9
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},  # 6.2.11
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},  # few of its are 15 long
    # No rule on what a password is made of (6.2.5), and none on its age (6.2.10).
]
PASSWORD_RESET_TIMEOUT = int(timedelta(minutes=10).total_seconds())  # a mailed link is read by others too: 6.5.5

# ── Sign-in by email (django-allauth) ────────────────────────────────────────────────────────────────────────────
ACCOUNT_ADAPTER = "apps.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]  # typed once: with a reveal or a manager, twice only gets in the way
ACCOUNT_SIGNUP = "invitation"  # open, invitation or closed. Until invitations exist, "invitation" admits nobody.
ACCOUNT_FORMS = {
    "add_email": "apps.accounts.forms.AddEmailForm",
    "change_password": "apps.accounts.forms.ChangePasswordForm",
    "confirm_email_verification_code": "apps.accounts.forms.ConfirmEmailVerificationCodeForm",
    "login": "apps.accounts.forms.LoginForm",
    "reauthenticate": "apps.accounts.forms.ReauthenticateForm",
    "reset_password": "apps.accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "apps.accounts.forms.ResetPasswordKeyForm",
    "set_password": "apps.accounts.forms.SetPasswordForm",
    "signup": "apps.accounts.forms.SignupForm",
}
ACCOUNT_PREVENT_ENUMERATION = True  # the same answer whether an address has an account or not: 6.3.8
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = True  # and the same work: without a mail, a reset for a stranger would be faster
ACCOUNT_EMAIL_VERIFICATION = "mandatory"  # nobody registers another person's address
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True  # typed where the sign-up began, so bound to it: 6.6.2
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT = int(timedelta(minutes=10).total_seconds())  # allauth's is 15: 6.5.5
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_MAX_ATTEMPTS = 3  # guesses: 6.6.3
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_CHANGE_EMAIL = True  # one address a person; the old one stays until the new one is proved
ACCOUNT_EMAIL_NOTIFICATIONS = True  # a mail after every change of a credential: 6.3.7
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # before the address changes: 7.5.1
ACCOUNT_REAUTHENTICATION_TIMEOUT = int(timedelta(minutes=5).total_seconds())
ACCOUNT_LOGIN_BY_CODE_ENABLED = False  # mail is no factor: 6.3.6
ACCOUNT_LOGIN_ON_PASSWORD_RESET = False  # who holds the mailbox must still sign in: 6.4.3
ACCOUNT_LOGOUT_ON_GET = False  # an image on another site must not sign anybody out
ACCOUNT_SESSION_REMEMBER = False  # the cookie ends with the browser; SESSION_COOKIE_AGE bounds it: 7.3.2
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https"
ALLAUTH_TRUSTED_PROXY_COUNT = 0  # REMOTE_ADDR is the client already: TrustedProxyMiddleware, 16.2.1
# ACCOUNT_RATE_LIMITS is not set, so that allauth's own limits hold: among others 10 failures a minute from one network
# address and 5 in five minutes for one account (6.3.1), a new code every ten seconds (6.6.3), 20 sign-ups or resets a
# minute from one address. Never empty it: axes sees none of these but the first.

# ── Lock-out that operators see (django-axes) ────────────────────────────────────────────────────────────────────
AXES_HANDLER = "axes.handlers.database.AxesDatabaseHandler"  # a restart or an emptied cache forgets nothing
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]  # by address alone, signing in to one's own account resets it
AXES_FAILURE_LIMIT = 4  # below allauth's five, after which axes would no longer be asked: 6.3.1
AXES_COOLOFF_TIME = timedelta(minutes=15)  # finite: nobody is locked out for ever by a stranger, 6.1.1
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # going on trying neither counts nor prolongs the lock
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_CALLABLE = "apps.accounts.lockout.username"  # one person, one counter, however the address is spelled
AXES_CLIENT_IP_CALLABLE = "apps.accounts.lockout.client_ip"  # axes would take the client's own X-Forwarded-For
AXES_LOCKOUT_CALLABLE = "apps.accounts.lockout.locked_out"  # axes' own JSON answer is readable from any site
AXES_SENSITIVE_PARAMETERS = [  # what axes keeps of a failed attempt's form is masked: 14.2.3, 16.2.5
    "code",
    "csrfmiddlewaretoken",
    "ip_address",
    "login",
    "oldpassword",
    "password1",
    "password2",
    "username",
]
AXES_DISABLE_ACCESS_LOG = True  # the audit log has it, without a hash of the session key
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
