"""What the cache stores is JSON: unpickling would run code that a writer of the cache left there (CWE-502)."""

import json
from typing import Any


class JSONSerializer:
    """Serializer for Django's RedisCache.

    Raises:
        TypeError: the value is not JSON (on dumps).
        ValueError: the cache holds something else (on loads).
    """

    def dumps(self, value: Any) -> bytes | int:
        # Whole numbers go in bare, so that the server itself can increment them.
        if type(value) is int:
            return value
        return json.dumps(value, separators=(",", ":")).encode()

    def loads(self, stored: bytes) -> Any:
        return json.loads(stored)
