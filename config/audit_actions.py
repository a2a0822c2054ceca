"""The audit actions of the apps that do not know the audit log: accounts, encryption, rbac, and config's own hardening.

Alphabetical. Which signal becomes which is in `config.settings.wiring` and `config.audit_adapters`.
"""

from datetime import timedelta
from functools import partial

from apps.audit.actions import Action, Audience, Category, Severity, register

AUDITORS = Audience.AUDITORS
TEN_YEARS = timedelta(days=3653)  # of what explains why an event can't be read
CRITICAL, INFO, NOTICE, WARNING = Severity.CRITICAL, Severity.INFO, Severity.NOTICE, Severity.WARNING

account = partial(Action, category=Category.USER)
attack = partial(Action, category=Category.DEFENSE, severity=WARNING, audience=AUDITORS)
data = partial(Action, category=Category.DATA, severity=NOTICE)
defense = partial(Action, category=Category.DEFENSE, severity=WARNING)
power = partial(Action, category=Category.AUTHORIZATION, severity=WARNING)
rights = partial(Action, category=Category.AUTHORIZATION, severity=NOTICE)
sealing = partial(Action, category=Category.CRYPTOGRAPHY, severity=WARNING, audience=AUDITORS)
session = partial(Action, category=Category.SESSION)
setup = partial(Action, category=Category.CONFIGURATION, audience=AUDITORS)
sign_in = partial(Action, category=Category.AUTHENTICATION, severity=NOTICE)

register(
    account("accounts.email.changed", "{actor} changed their email address", severity=NOTICE),
    account("accounts.email.confirmed", "{actor} confirmed the email address {details.email}"),
    account("accounts.password.changed", "{actor} changed their password", severity=NOTICE),
    account("accounts.password.reset", "{target} got a new password by a mailed link", severity=NOTICE),
    account("accounts.password.reset_requested", "A password reset was asked for {details.email}", severity=NOTICE),
    account("accounts.password.set", "{actor} set a first password", severity=NOTICE),
    account("accounts.profile.changed", "{actor} changed their profile"),
    attack("accounts.rate.exceeded", "Too many requests from one network address, or for one account, were slowed"),
    session("accounts.session.ended", "{actor} signed out"),
    session("accounts.session.reauthenticated", "{actor} gave their password again"),
    sign_in("accounts.session.started", "{actor} signed in", severity=INFO),
    sign_in("accounts.sign_in.failed", "Somebody failed to sign in as {details.email}: {reason}"),
    defense("accounts.sign_in.locked", "Sign-in as {details.email} was locked for one network address"),
    defense("accounts.sign_in.throttled", "Sign-in as {details.email} was slowed down: {reason}"),
    account("accounts.user.registered", "{target} signed up"),
    sign_in("accounts.verification.failed", "A wrong code was given to confirm the email address of {target}"),
    sealing("encryption.key.changed", "Key {details.key} of the ring {details.ring} was changed: {details.step}"),
    sealing("encryption.opening.failed", "An encrypted value could not be opened: {reason}", severity=CRITICAL),
    power("encryption.reveal.refused", "{actor} was refused to see {details.field} of {target} in full"),
    sealing("encryption.shell.unsealed", "{actor} opened encrypted values by hand"),
    sealing("encryption.subject.shredded", "{actor} erased what is told of {details.subject}", retention=TEN_YEARS),
    data("encryption.value.revealed", "{actor} saw {details.field} of {target} in full", needs_actor=True),
    attack("hardening.csp.violated", "On {details.page} a browser stopped {details.blocked} by {details.directive}"),
    attack("hardening.request.refused", "A request was refused: {reason}"),
    setup("hardening.start.refused", "The site did not start: {details.problems}", severity=CRITICAL),
    power("rbac.access.refused", "{actor} was refused {details.permission}"),
    data("rbac.admin.edited", "{actor} {details.step} {target} on the administration pages"),
    power("rbac.grant.refused", "{actor} was refused a change of the rights of {details.to}"),
    rights("rbac.group.joined", "{actor} put {details.to} into the group {details.group}"),
    rights("rbac.group.left", "{actor} took {details.to} out of the group {details.group}"),
    rights("rbac.list.downloaded", "{actor} downloaded who has access: {details.list}", audience=AUDITORS),
    setup("rbac.policy.missing", "A page was refused because it does not declare who may open it", severity=CRITICAL),
    power("rbac.role.activated", "{actor} activated the role {details.role} until {details.until}: {reason}"),
    rights("rbac.role.deactivated", "{actor} put the role {details.role} aside", severity=INFO),
    rights("rbac.role.granted", "{actor} gave {details.to} the role {details.role}"),
    rights("rbac.role.revoked", "{actor} took the role {details.role} from {details.to}"),
    setup("rbac.roles.synced", "The declared roles were written to the database", severity=NOTICE),
    rights("rbac.share.granted", "{actor} shared {target} with {details.to} ({details.permissions})"),
    rights("rbac.share.revoked", "{actor} stopped sharing {target} with {details.to}"),
    power("rbac.superuser.changed", "{actor} changed whether {target} is a superuser", severity=CRITICAL),
)
