"""Argon2id as RFC 9106's second recommended option (section 4): for where 2 GiB a hash can't be had."""

import secrets

from argon2 import low_level
from django.contrib.auth.hashers import Argon2PasswordHasher

SALT_BYTES = 16
TAG_BYTES = 32
FLOOR = {"time_cost": 3, "memory_cost": 64 * 1024, "parallelism": 4}  # passes, KiB, lanes


class Argon2idHasher(Argon2PasswordHasher):
    """64 MiB, three passes, four lanes, a 16-byte salt, a 32-byte tag.

    It reads what Django's own Argon2 hasher wrote and calls it due for an update, as it does anything that differs
    from these parameters: Django then hashes anew when the owner signs in.
    """

    time_cost = FLOOR["time_cost"]
    memory_cost = FLOOR["memory_cost"]
    parallelism = FLOOR["parallelism"]

    def salt(self) -> str:
        """16 random bytes, as text because Django's interface wants text: Latin-1 maps each byte to one character."""
        return secrets.token_bytes(SALT_BYTES).decode("latin-1")

    def encode(self, password: str, salt: str) -> str:
        """The PHC string of `password` under `salt`, after Django's name of the algorithm."""
        digest = low_level.hash_secret(
            password.encode(),
            salt.encode("latin-1"),
            time_cost=self.time_cost,
            memory_cost=self.memory_cost,
            parallelism=self.parallelism,
            hash_len=TAG_BYTES,
            type=low_level.Type.ID,
        )
        return f"{self.algorithm}{digest.decode('ascii')}"

    def must_update(self, encoded: str) -> bool:
        # Django's asks how many letters a salt has; ours are bytes, and their count is one of the parameters.
        return bool(self.decode(encoded)["params"] != self.params())


def weaknesses(hasher: object) -> list[str]:
    """In which ways a hasher is below RFC 9106's second recommended option; empty when it is not."""
    if not isinstance(hasher, Argon2PasswordHasher):
        return ["it is not Argon2id"]
    found = {name: int(getattr(hasher, name)) for name in FLOOR}
    return [f"{name} is {found[name]}, below {least}" for name, least in FLOOR.items() if found[name] < least]
