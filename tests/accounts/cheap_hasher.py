"""The kit's hasher at a price that hundreds of tests can pay. Its real parameters are tested in test_hashers.py."""

from apps.accounts.hashers import Argon2idHasher


class CheapArgon2idHasher(Argon2idHasher):
    time_cost = 1
    memory_cost = 8
    parallelism = 1
