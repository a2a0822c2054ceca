"""Who unwraps the key rings, from the environment: nobody unless KEY_SOURCE says so."""

from typing import Any

from config.env import Env

BACKENDS = {"aws-kms": "apps.encryption.aws_kms.AwsKms", "vault-transit": "apps.encryption.vault_transit.VaultTransit"}


def read_key_source(env: Env) -> dict[str, Any] | None:
    """The setting KEY_SOURCE. What is missing goes to the problems of `env`."""
    chosen = env.text("KEY_SOURCE", otherwise="", choices=tuple(BACKENDS))
    options = {
        "key": env.text("KEY_SOURCE_KEY", otherwise=""),
        "url": env.url("KEY_SOURCE_URL", schemes=("https",), otherwise="", cure="As https://vault.example.org:8200"),
    }
    only_vault = {
        "token": env.secret("KEY_SOURCE_TOKEN", otherwise="", cure="A token that may decrypt with this key."),
        "ca": env.text("KEY_SOURCE_CA", otherwise=""),
    }
    if chosen not in BACKENDS:
        return None
    needed = {"KEY_SOURCE_KEY": options["key"]}
    if chosen == "vault-transit":
        options |= only_vault
        needed |= {"KEY_SOURCE_URL": options["url"], "KEY_SOURCE_TOKEN": options["token"]}
    for name in (name for name, value in needed.items() if not value):
        env.problem(name, "is not set.", f"KEY_SOURCE={chosen} needs it.")
    return {"BACKEND": BACKENDS[chosen], "OPTIONS": options}
