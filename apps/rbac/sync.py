"""Brings the table of declared roles up to the code after each migrate, and tells what changed. Assignments stay."""

import hashlib
import json
from typing import Any

from django.db import connections, models, router, transaction
from django.utils import timezone

from apps.rbac import signals
from apps.rbac.models import DeclaredRole
from apps.rbac.roles import Role, registry

type Difference = dict[str, list[list[str] | None]]  # by role, permissions before and after


def after_migrate(using: str, **_: Any) -> None:
    """Receiver of post_migrate."""
    if router.allow_migrate_model(using, DeclaredRole) and is_there(using, DeclaredRole):
        sync(using)


def is_there(using: str, table: type[models.Model]) -> bool:
    """No: before the first `migrate`, which runs the system checks too, and after `migrate rbac zero`."""
    return table._meta.db_table in connections[using].introspection.table_names()


def sync(using: str = "default") -> Difference:
    """Write what differs, and return it: the permissions of each role that has changed, before and after.

    None stands for "no such role". One that is gone from the code is retired, never deleted: who had it stays known.
    """
    with transaction.atomic(using=using):
        rows = {row.slug: row for row in DeclaredRole.objects.using(using).select_for_update()}
        gone = [row for slug, row in rows.items() if slug not in registry.roles and row.retired_at is None]
        difference: Difference = {row.slug: [row.permissions, None] for row in gone}
        DeclaredRole.objects.using(using).filter(slug__in=difference).update(retired_at=timezone.now())
        for slug, role in sorted(registry.roles.items()):
            declared = columns(role)
            row = rows.get(slug, DeclaredRole(slug=slug, version=0, retired_at=timezone.now()))
            if row.digest != declared["digest"] or row.retired_at is not None:
                difference[slug] = [None if row.retired_at else row.permissions, declared["permissions"]]
                written = {**declared, "retired_at": None, "version": row.version + 1}
                DeclaredRole.objects.using(using).update_or_create(written, slug=slug)
        if difference:
            signals.tell(signals.roles_synced, changes=difference)
    return difference


def columns(role: type[Role]) -> dict[str, Any]:
    declared = {
        "label": role.label,
        "app_label": role.__module__.split(".")[-2],
        "scope_type": role.scope.lower(),
        "permissions": sorted(registry.permissions(role.slug)),
    }
    canonical = json.dumps(declared, sort_keys=True, separators=(",", ":"))
    return {**declared, "digest": hashlib.sha256(canonical.encode()).hexdigest()}
