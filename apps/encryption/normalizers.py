"""What counts as the same value in a search (SPEC.md, section 6).

The name goes into the derivation of the index key. So a normalizer here never changes; a better one gets a new name,
and the field is indexed anew.
"""

import unicodedata
from collections.abc import Callable
from typing import Any


def identity(value: Any) -> Any:
    return value


def digits_1(value: str) -> str:
    """Decimal digits of any script, as ASCII: «AB 12-34» is «1234»."""
    return "".join(str(unicodedata.decimal(character)) for character in value if character.isdecimal())


def nfkc_casefold_1(value: str) -> str:
    """Without white space at the ends, case and compatibility variants: « STRASSE» and «straße» are one."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value.strip()).casefold())


NORMALIZERS: dict[str, Callable[[Any], Any]] = {
    "digits-1": digits_1,
    "email-1": nfkc_casefold_1,  # the same steps today, but its own name: the tags differ, and so may a later version
    "identity": identity,
    "nfkc-casefold-1": nfkc_casefold_1,
}
