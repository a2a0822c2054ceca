"""Encrypted model fields: XAES-256-GCM cells bound to their row and column, lazy, searchable by blind tags.

    class Patient(models.Model):
        id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
        name = Encrypted(models.CharField(max_length=120))
        national_id = Encrypted(models.CharField(max_length=20), search=Exact("digits-1"), mask=last4)

        objects = SealedQuerySet.as_manager()

        class Meta:
            indexes = [SealedIndex("national_id", name="patient_national_id")]

What it stops: reading the database, its backups and its logs; and changing, swapping or planting values there. What it
does not stop: an attacker inside the running process, who can read what the process can. Python can't wipe memory.
SPEC.md has every byte, vectors/ lets another implementation check itself.

To lift it into another project, copy this folder, tests/encryption, tests/attacks/test_encryption_*.py and the command
`keys` of config/management/commands (which puts changes on record in apps.audit), install `cryptography`, and set:

    INSTALLED_APPS = [..., "apps.encryption"]
    FIELD_ENCRYPTION_KEYS = ...  # JSON text of a key ring: manage.py keys generate fields --file PATH
    FIELD_INDEX_KEYS = ...       # another ring, for searchable fields
    KEY_RINGS = {"fields": "FIELD_ENCRYPTION_KEYS", "indexes": "FIELD_INDEX_KEYS"}
    KEY_USES = {                 # who is asked before a key retires
        "fields": ["apps.encryption.key_uses.values_of_key"],
        "indexes": ["apps.encryption.key_uses.tags_of_root"],
    }
    FILE_UPLOAD_HANDLERS = [...]  # for encrypted files: uploads.py

Optional: KEY_SOURCE keeps the rings wrapped by a KMS (sources.py); the command `shell` of config/management/commands
starts without the keys (shell.py).

It imports no other app of the project. Others hear of failures by signals.open_failed, such as who counts them.
"""
