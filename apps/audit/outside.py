"""AUDIT_OUTSIDE = True: changes of tracked rows that come past the application, by SQL, are told of by PostgreSQL.

When a transaction commits, a deferred trigger (outside.sql) looks for an event of that transaction about each row that
it wrote. Where there is none it writes one, `audit.row.changed` or the like: a row as SPEC.md says, with its digest. It
has the names of what changed and no values, whose canonical form is the application's to make. Encrypted columns are
left out: a rotation of keys rewrites them by SQL, and a cell that is not its row's own does not open.

`migrate` installs the triggers, or takes them away. What they can't stop is the tables' owner, who may drop them.
"""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, transaction

from apps.audit.canonical import HARMFUL
from apps.audit.tracking import all_tracked, secret_kinds

FUNCTION, MARK, TRIGGERS = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8").partition("$body$;\n")
INSERTED, UPDATED, DELETED = "created", "changed,created", "deleted"
ANY_VERB: Final = "changed,created,deleted"  # of a row between two others, the event of its owner tells


def install(using: str = DEFAULT_DB_ALIAS, **_: Any) -> None:
    """Make the database as the setting has it. Idempotent: a release that changes nothing locks no table."""
    if is_current(using):
        return
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("DROP FUNCTION IF EXISTS audit_tell_of_outside() CASCADE")
        if triggers := list(wanted(using)):
            cursor.execute("SELECT quote_ident(current_schema())")
            cursor.execute(function(triggers).replace("<schema>", cursor.fetchone()[0]))
        for each in triggers:
            cursor.execute(each)


def is_wanted() -> bool:
    return bool(getattr(settings, "AUDIT_OUTSIDE", False))


def is_current(using: str) -> bool:
    if connections[using].vendor != "postgresql":
        return True
    triggers = list(wanted(using))
    source = function(triggers).split("$body$")[1] if triggers else None
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT prosrc FROM pg_proc WHERE oid = made), "
            "(SELECT count(*) FROM pg_trigger WHERE tgfoid = made AND tgenabled = 'A') "
            "FROM to_regprocedure('audit_tell_of_outside()') AS made"
        )
        return bool(cursor.fetchone() == (source, 4 * len(triggers)))


def function(triggers: list[str]) -> str:
    """It holds the digest of the triggers, so that is_current sees what became of them."""
    digest = sha256("".join(triggers).encode()).hexdigest()
    return (FUNCTION + MARK).replace("<harmful>", HARMFUL.pattern).replace("<digest>", digest)


def wanted(using: str) -> Iterator[str]:
    """The triggers of each table that holds tracked columns or relations."""
    for found in all_tracked() if is_wanted() else ():
        options: Any = found.model._meta
        if options.proxy or not options.managed:
            continue
        heirs = [each.model._meta for each in all_tracked() if issubclass(each.model, found.model)]
        kinds = ",".join(dict.fromkeys(each.label_lower for each in (options, *heirs) if not each.proxy))
        own = {*options.local_concrete_fields} & {options.pk, *found.columns}
        fields = {each.column: each.name for each in own if not isinstance(each, secret_kinds())}
        yield on_table(using, options, kinds, options.pk.column, fields, (INSERTED, UPDATED, DELETED))
        for relation in {*options.local_many_to_many} & {*found.relations}:
            if (through := relation.remote_field.through._meta).auto_created:
                fields = {relation.m2m_reverse_name(): relation.name}
                yield on_table(using, through, kinds, relation.m2m_column_name(), fields, (ANY_VERB,) * 3)


def on_table(
    using: str, options: Any, kinds: str, key: str, fields: dict[str, str], verbs: tuple[str, str, str]
) -> str:
    quote = connections[using].ops.quote_name
    text = TRIGGERS.replace("<table>", quote(options.db_table))
    differ = (f"OLD.{quote(name)} IS DISTINCT FROM NEW.{quote(name)}" for name in sorted(fields))
    text = text.replace("<differ>", " OR ".join(differ))
    given = (kinds, key, json.dumps(fields, sort_keys=True), *verbs)
    for name, each in zip(("kinds", "key", "fields", "inserted", "updated", "deleted"), given, strict=True):
        text = text.replace(f"<{name}>", "'" + each.replace("'", "''") + "'")
    return text
