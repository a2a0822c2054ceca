"""Who hears whom. The apps do not import each other; here each signal of ours is given the audit action it becomes.

Signals of Django, allauth and axes have other arguments; `config.audit_adapters` turns them into events.
`Survives`: the event is written even when its request rolls back, as a refusal must be.
"""

from apps.audit.actions import Survives

AUDIT_SIGNALS = {
    "apps.accounts.signals.password_reset_requested": "accounts.password.reset_requested",
    "apps.accounts.signals.profile_changed": "accounts.profile.changed",
    "apps.accounts.signals.rate_exceeded": Survives("accounts.rate.exceeded"),
    "apps.accounts.signals.sign_in_throttled": Survives("accounts.sign_in.throttled"),
    "apps.encryption.signals.open_failed": Survives("encryption.opening.failed"),
    "apps.encryption.signals.reveal_refused": Survives("encryption.reveal.refused"),
    "apps.encryption.signals.revealed": "encryption.value.revealed",
    "apps.encryption.signals.subject_shredded": "encryption.subject.shredded",
    "apps.encryption.signals.unsealed": "encryption.shell.unsealed",
    "apps.rbac.signals.access_refused": Survives("rbac.access.refused"),
    "apps.rbac.signals.admin_edited": "rbac.admin.edited",
    "apps.rbac.signals.grant_refused": Survives("rbac.grant.refused"),
    "apps.rbac.signals.group_joined": "rbac.group.joined",
    "apps.rbac.signals.group_left": "rbac.group.left",
    "apps.rbac.signals.list_downloaded": "rbac.list.downloaded",
    "apps.rbac.signals.policy_missing": Survives("rbac.policy.missing"),
    "apps.rbac.signals.role_activated": "rbac.role.activated",
    "apps.rbac.signals.role_deactivated": "rbac.role.deactivated",
    "apps.rbac.signals.role_granted": "rbac.role.granted",
    "apps.rbac.signals.role_revoked": "rbac.role.revoked",
    "apps.rbac.signals.roles_synced": "rbac.roles.synced",
    "apps.rbac.signals.share_granted": "rbac.share.granted",
    "apps.rbac.signals.share_revoked": "rbac.share.revoked",
    "apps.rbac.signals.superuser_changed": "rbac.superuser.changed",
}

# Fields whose values the audit log never keeps: of these only that they changed. Their kinds, wherever they are.
AUDIT_SECRET_FIELDS = ("apps.encryption.fields.Encrypted",)

# The keys of persons, under which the log seals what it tells of them, and the action that tells of their destruction.
AUDIT_SUBJECTS = "apps.encryption.subjects"
AUDIT_SHREDDED = "encryption.subject.shredded"

AUDIT_POST = "config.security.outbound.post"  # how a checkpoint reaches a witness
AUDIT_UNWRAP = "apps.encryption.sources.plain"  # how the signing keys are read, if they are kept wrapped

# Asked before a privileged role is activated: whether who is signed in has just proved who they are.
RBAC_STEP_UP = "config.security.step_up.just_proved"
RBAC_STEP_UP_URL = "account_reauthenticate"  # where one proves it
