"""Whether anything stored still needs a key. `manage.py keys` asks before one retires (the setting KEY_USES)."""

from apps.encryption import inventory, stored_files
from apps.encryption.keyring import Key


def values_of_key(key: Key) -> int:
    """How many stored cells and files need this data key."""
    tables = inventory.tables()
    return sum(
        count.cells for count in [*inventory.counts(tables), *stored_files.counts(tables)] if count.key == key.id
    )


def tags_of_root(root: Key) -> int:
    """How many stored tags were made by this index root, as told by the parity of its number."""
    parity = "odd" if root.number % 2 else "even"
    return sum(count.cells for count in inventory.counts(inventory.tables()) if count.root == parity)
