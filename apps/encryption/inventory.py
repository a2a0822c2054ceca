"""Which encrypted columns there are, and what their cells say of themselves: key, index root, format. Opens nothing."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connections, models, router
from django.db.models.expressions import Col
from django.db.models.lookups import Exact as Equal

from apps.encryption.envelope import BARE_HEADER, HAS_TAG, HEADER_SIZES, KEY_ID, ODD_ROOT
from apps.encryption.fields import Encrypted
from apps.encryption.files import EncryptedFileField
from apps.encryption.search import BlindTag


@dataclass(frozen=True)
class Table:
    """A model's table in one database, with those of its encrypted fields and files that were asked for."""

    alias: str
    model: type[models.Model]
    fields: tuple[Encrypted, ...]
    files: tuple[EncryptedFileField, ...] = ()

    def rows(self) -> "models.QuerySet[Any]":
        """All of them, whatever the default manager hides."""
        return self.model._base_manager.using(self.alias).order_by()


class Raw(Col):
    """A column as bytes: not made a `Sealed`, and not held to what a queryset may do with an encrypted field."""

    def get_db_converters(self, connection: Any) -> list[Any]:
        return list(self.output_field.get_db_converters(connection))  # not those of the encrypted field


class Start(BlindTag):
    """The first bytes of a cell: format, flags and key id."""

    template = f"%(function)s(%(expressions)s, 1, {BARE_HEADER})"


def raw(field: Encrypted) -> Raw:
    return Raw(field.model._meta.db_table, field, models.BinaryField())


def start(field: Encrypted) -> Start:
    return Start(raw(field))


def tables(names: Iterable[str] = (), databases: Iterable[str] = ()) -> list[Table]:
    """Each table that has encrypted columns, in each database. `names`: app, app.Model or app.Model.field.

    Raises LookupError if a name is no encrypted field's, or a database is not configured.
    """
    wanted = {name.lower(): False for name in names}
    found: list[Table] = []
    if unknown := set(databases) - set(connections):
        raise LookupError(f"No database is called {', '.join(sorted(unknown))}.")
    chosen = [field for field in labeled_fields() if not wanted or _named(field, wanted)]
    for model in dict.fromkeys(field.model for field in chosen):
        own = [field for field in chosen if field.model is model]
        cells = tuple(field for field in own if isinstance(field, Encrypted))
        files = tuple(field for field in own if isinstance(field, EncryptedFileField))
        places = [alias for alias in databases or connections if router.allow_migrate_model(alias, model)]
        found += [Table(alias, model, cells, files) for alias in places]
    if missing := [name for name, seen in wanted.items() if not seen]:
        raise LookupError(f"{', '.join(missing)} is neither an encrypted field nor a model or app that has one.")
    return found


def labeled_fields() -> Iterator[Encrypted | EncryptedFileField]:
    """Each encrypted column and file of the project, once. Raises AppRegistryNotReady before the models are loaded."""
    for model in apps.get_models():
        fields = () if model._meta.proxy else model._meta.local_fields
        yield from (field for field in fields if isinstance(field, Encrypted | EncryptedFileField))


def encrypted_fields(model: type[models.Model]) -> dict[str, Encrypted]:
    """A model's encrypted columns by name, those that it inherits among them."""
    return {field.name: field for field in model._meta.fields if isinstance(field, Encrypted)}


def encrypted_names() -> set[str]:
    """What the encrypted columns of the project are called, for whoever keeps their values out of logs."""
    return {field.name for field in labeled_fields() if isinstance(field, Encrypted)}


def _named(field: Encrypted | EncryptedFileField, wanted: dict[str, bool]) -> bool:
    meta = field.model._meta
    names = {meta.app_label, meta.label_lower, f"{meta.label_lower}.{field.name.lower()}"} & wanted.keys()
    wanted.update(dict.fromkeys(names, True))
    return bool(names)


def stale(field: Encrypted) -> models.Q:
    """Cells that would not be sealed so today: another key, another index root, a tag that lacks or is too much."""
    return models.Q(filled(field)) & ~models.Q(Equal(start(field), field.sealer.start))


def filled(field: Encrypted) -> models.Q:
    return models.Q((f"{field.name}__isnull", False))


@dataclass(frozen=True)
class Count:
    """How many cells of a column, or files, have one key and one index root. `key` is empty for what is not sealed."""

    field: str
    alias: str
    key: str
    root: str
    cells: int


def counts(found: Iterable[Table]) -> list[Count]:
    """What the cells of these tables name, by the bytes that they begin with. `root`: "odd", "even" or none."""
    total: Counter[tuple[str, str, str, str]] = Counter()
    for table in found:
        for field in table.fields:
            rows = table.rows().filter(filled(field)).values_list(start(field)).annotate(cells_=models.Count("*"))
            for begins, number in rows.iterator():
                total[(field.frozen_label, table.alias, *_said(bytes(begins)))] += number
    return [Count(*place, number) for place, number in sorted(total.items())]


def _said(begins: bytes) -> tuple[str, str]:
    if begins[:2] not in HEADER_SIZES or len(begins) < BARE_HEADER:
        return "", ""
    flags = begins[1]
    root = "" if not flags & HAS_TAG else "odd" if flags & ODD_ROOT else "even"
    return begins[KEY_ID].hex(), root
