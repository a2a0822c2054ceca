"""Sessions in the database, asked only for keys that can be there."""

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    """A cookie's quoted value may hold any character, such as NUL, at which PostgreSQL fails: an error 500 for free."""

    def _validate_session_key(self, key: str | None) -> bool:
        return bool(key) and len(str(key)) >= 8 and str(key).isascii() and str(key).isalnum()
