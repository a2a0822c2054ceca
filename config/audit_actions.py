"""The audit actions of the apps that do not know the audit log: accounts, encryption, rbac, and config's own hardening.

Alphabetical. Which signal becomes which is in `config.settings.wiring` and `config.audit_adapters`.
"""

from apps.audit.actions import Action, Audience, Category, Severity, register

register(
    Action("accounts.email.changed", "{actor} changed their email address", Category.USER, Severity.NOTICE),
    Action("accounts.email.confirmed", "{actor} confirmed the email address {details.email}", Category.USER),
    Action("accounts.password.changed", "{actor} changed their password", Category.USER, Severity.NOTICE),
    Action("accounts.password.reset", "{target} got a new password by a mailed link", Category.USER, Severity.NOTICE),
    Action(
        "accounts.password.reset_requested",
        "A password reset was asked for {details.email}",
        Category.USER,
        Severity.NOTICE,
    ),
    Action("accounts.password.set", "{actor} set a first password", Category.USER, Severity.NOTICE),
    Action("accounts.profile.changed", "{actor} changed their profile", Category.USER),
    Action("accounts.session.ended", "{actor} signed out", Category.SESSION),
    Action("accounts.session.reauthenticated", "{actor} gave their password again", Category.SESSION),
    Action("accounts.session.started", "{actor} signed in", Category.AUTHENTICATION),
    Action(
        "accounts.sign_in.failed",
        "Somebody failed to sign in as {details.email}: {reason}",
        Category.AUTHENTICATION,
        Severity.NOTICE,
    ),
    Action(
        "accounts.sign_in.locked",
        "Sign-in as {details.email} was locked for one network address",
        Category.DEFENSE,
        Severity.WARNING,
    ),
    Action(
        "accounts.sign_in.throttled",
        "Sign-in as {details.email} was slowed down: {reason}",
        Category.DEFENSE,
        Severity.WARNING,
    ),
    Action("accounts.user.registered", "{target} signed up", Category.USER),
    Action(
        "accounts.verification.failed",
        "A wrong code was given to confirm the email address of {target}",
        Category.AUTHENTICATION,
        Severity.NOTICE,
    ),
    Action(
        "encryption.key.changed",
        "Key {details.key} of the ring {details.ring} was changed: {details.step}",
        Category.CRYPTOGRAPHY,
        Severity.WARNING,
        audience=Audience.AUDITORS,
    ),
    Action(
        "encryption.opening.failed",
        "An encrypted value could not be opened: {reason}",
        Category.CRYPTOGRAPHY,
        Severity.CRITICAL,
        audience=Audience.AUDITORS,
    ),
    Action(
        "encryption.reveal.refused",
        "{actor} was refused to see {details.field} of {target} in full",
        Category.AUTHORIZATION,
        Severity.WARNING,
    ),
    Action(
        "encryption.shell.unsealed",
        "{actor} opened encrypted values by hand",
        Category.CRYPTOGRAPHY,
        Severity.WARNING,
        audience=Audience.AUDITORS,
    ),
    Action(
        "encryption.value.revealed",
        "{actor} saw {details.field} of {target} in full",
        Category.DATA,
        Severity.NOTICE,
        needs_actor=True,
    ),
    Action(
        "hardening.request.refused",
        "A request was refused: {reason}",
        Category.DEFENSE,
        Severity.WARNING,
        audience=Audience.AUDITORS,
    ),
    Action("rbac.access.refused", "{actor} was refused {details.permission}", Category.AUTHORIZATION, Severity.WARNING),
    Action(
        "rbac.grant.refused",
        "{actor} was refused a change of the rights of {details.to}",
        Category.AUTHORIZATION,
        Severity.WARNING,
    ),
    Action(
        "rbac.policy.missing",
        "A page was refused because it does not declare who may open it",
        Category.CONFIGURATION,
        Severity.CRITICAL,
        audience=Audience.AUDITORS,
    ),
    Action(
        "rbac.role.granted",
        "{actor} gave {details.to} the role {details.role}",
        Category.AUTHORIZATION,
        Severity.NOTICE,
    ),
    Action(
        "rbac.role.revoked",
        "{actor} took the role {details.role} from {details.to}",
        Category.AUTHORIZATION,
        Severity.NOTICE,
    ),
    Action(
        "rbac.roles.synced",
        "The declared roles were written to the database",
        Category.CONFIGURATION,
        Severity.NOTICE,
        audience=Audience.AUDITORS,
    ),
    Action(
        "rbac.share.granted",
        "{actor} shared {target} with {details.to} ({details.permissions})",
        Category.AUTHORIZATION,
        Severity.NOTICE,
    ),
    Action(
        "rbac.share.revoked",
        "{actor} stopped sharing {target} with {details.to}",
        Category.AUTHORIZATION,
        Severity.NOTICE,
    ),
)
