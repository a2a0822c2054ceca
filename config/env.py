"""Typed reads of the environment, which collect every problem and fail once, with a list.

Each value comes from the variable NAME or, for a secret mounted as a file, from the file named by NAME_FILE
(systemd credentials, Docker and Kubernetes secrets). Both set is refused: it would hide which one is in force.
"""

import ipaddress
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

MISSING = object()


class Secret(str):
    """Text that does not show itself in a repr, and so not in a traceback, a log line or a debugger (ASVS 16.2.5)."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<Secret>"


class Env:
    """Reads variables; `finish()` raises once with all that was wrong.

    A reader gives its `otherwise` (or an empty value) for a bad variable, so that reading goes on to the next one.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.problems: list[str] = []

    def problem(self, name: str, what: str, cure: str = "") -> None:
        self.problems.append(f"{name}: {what}" + (f" {cure}" if cure else ""))

    def finish(self) -> None:
        """Raise ImproperlyConfigured with every problem found, if there is any."""
        if self.problems:
            count = len(self.problems)
            lines = "\n".join(f"  {number}. {text}" for number, text in enumerate(self.problems, 1))
            raise ImproperlyConfigured(
                f"The site does not start: {count} setting{'s are' if count > 1 else ' is'} missing or weak.\n{lines}\n"
                "Every variable is described in .env.example."
            )

    def _raw(self, name: str, *, private: bool = False) -> str | None:
        direct, path = self.environ.get(name), self.environ.get(f"{name}_FILE")
        if direct and path:
            self.problem(name, f"both {name} and {name}_FILE are set.", "Unset one of them.")
            return None
        if path:
            return self._from_file(name, Path(path), private=private)
        return direct.strip() if direct and direct.strip() else None

    def _from_file(self, name: str, path: Path, *, private: bool) -> str | None:
        try:
            mode = path.stat().st_mode
            content = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "its name or content is not UTF-8 text"
            self.problem(f"{name}_FILE", f"{path} can't be read: {reason}.")
            return None
        if private and mode & (stat.S_IRWXG | stat.S_IRWXO) & ~stat.S_IRGRP:
            self.problem(f"{name}_FILE", f"{path} is open to other users.", f"Run: chmod 600 {path}")
            return None
        if not content:
            self.problem(f"{name}_FILE", f"{path} is empty.")
            return None
        return content

    def _read[Value](
        self,
        name: str,
        parse: Callable[[str], Value],
        otherwise: Any,
        empty: Value,
        *,
        cure: str = "",
        cure_missing: str = "",
        private: bool = False,
    ) -> Value:
        before = len(self.problems)
        raw = self._raw(name, private=private)
        if raw is None:
            if otherwise is MISSING and len(self.problems) == before:
                self.problem(name, "is not set.", cure_missing or cure)
            return empty if otherwise is MISSING else otherwise
        try:
            return parse(raw)
        except ValueError as error:
            self.problem(name, str(error), cure)
            return empty if otherwise is MISSING else otherwise

    def text(self, name: str, *, cure: str = "", otherwise: Any = MISSING, choices: tuple[str, ...] = ()) -> str:
        def parse(raw: str) -> str:
            if choices and raw not in choices:
                raise ValueError(f"{raw!r} is not one of {', '.join(choices)}.")
            return raw

        return self._read(name, parse, otherwise, "", cure=cure)

    def secret(self, name: str, *, cure: str, shortest: int = 1, otherwise: Any = MISSING) -> Secret:
        """A secret of at least `shortest` characters, from NAME or from a NAME_FILE that others can't read."""

        def parse(raw: str) -> Secret:
            if len(raw) < shortest:
                raise ValueError(f"has {len(raw)} characters; {shortest} are the least.")
            if len(set(raw)) < 5:
                raise ValueError("is not random.")
            return Secret(raw)

        return self._read(name, parse, otherwise, Secret(""), cure=cure, private=True)

    def secrets(self, name: str) -> list[Secret]:
        """Comma-separated secrets, none by default: what SECRET_KEY_FALLBACKS takes."""
        return self._read(name, lambda raw: [Secret(part) for part in split(raw)], [], [], private=True)

    def ring(self, name: str, validate: Callable[[str], list[str]], *, of: str) -> Secret:
        """A key ring: JSON text that `validate` finds nothing wrong with (it gives the problems in plain words)."""

        def parse(raw: str) -> Secret:
            if found := validate(raw):
                raise ValueError("; ".join(found))
            return Secret(raw)

        cure = f"Make one with: manage.py keys generate {of} --file PATH, and set {name}_FILE=PATH"
        return self._read(name, parse, MISSING, Secret(""), cure_missing=cure, private=True)

    def boolean(self, name: str, *, otherwise: bool) -> bool:
        def parse(raw: str) -> bool:
            if raw.lower() not in ("true", "false"):
                raise ValueError(f"{raw!r} is neither true nor false.")
            return raw.lower() == "true"

        return self._read(name, parse, otherwise, otherwise)

    def hosts(self, name: str, *, cure: str) -> list[str]:
        """Comma-separated host names. A wildcard is refused: a forged Host would be put into mailed links (CWE-644)."""

        def parse(raw: str) -> list[str]:
            names = split(raw)
            if wild := [host for host in names if "*" in host or host.startswith(".") or "/" in host or " " in host]:
                raise ValueError(f"{', '.join(wild)} is no plain host name.")
            return names

        return self._read(name, parse, MISSING, [], cure=cure)

    def addresses(self, name: str, *, schemes: tuple[str, ...]) -> list[str]:
        """Comma-separated addresses, each of one of the schemes; none by default."""

        def parse(raw: str) -> list[str]:
            if other := [part for part in split(raw) if part.partition(":")[0] not in schemes]:
                raise ValueError(f"{other[0]} does not start with {' or '.join(f'{scheme}:' for scheme in schemes)}.")
            return split(raw)

        return self._read(name, parse, [], [], private=True)

    def networks(self, name: str, *, cure: str) -> list[str]:
        """Comma-separated addresses, CIDR networks or "unix" (a UNIX socket). A network of every address is refused."""

        def parse(raw: str) -> list[str]:
            return [part if part == "unix" else network(part) for part in split(raw)]

        return self._read(name, parse, MISSING, [], cure=cure)

    def url(self, name: str, *, schemes: tuple[str, ...], cure: str, otherwise: Any = MISSING) -> Secret:
        """A URL of one of the schemes. Not shown in a repr, since it may carry a password."""

        def parse(raw: str) -> Secret:
            parts = urlsplit(raw)
            if parts.scheme not in schemes or not (parts.hostname or parts.path):
                raise ValueError(f"does not start with {' or '.join(f'{scheme}://' for scheme in schemes)}.")
            return Secret(raw)

        return self._read(name, parse, otherwise, Secret(""), cure=cure, private=True)

    def database(self, name: str, *, engines: tuple[str, ...], cure: str) -> dict[str, Any]:
        """Django's DATABASES entry from a URL, whose scheme is one of `engines`."""

        def parse(raw: str) -> dict[str, Any]:
            if raw.partition("://")[0] not in engines:
                raise ValueError(f"does not start with {' or '.join(f'{engine}://' for engine in engines)}.")
            try:
                return dict(dj_database_url.parse(raw, conn_max_age=60, conn_health_checks=True))
            except ValueError as error:
                raise ValueError("is no database URL.") from error

        return self._read(name, parse, MISSING, {}, cure=cure, private=True)

    def mailer(self, name: str, *, cure: str) -> dict[str, Any]:
        """Django's MAILERS entry from smtps://user:password@host:port, or smtp:// which must upgrade by STARTTLS."""

        def parse(raw: str) -> dict[str, Any]:
            parts = urlsplit(raw)
            if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
                raise ValueError("does not start with smtps:// or smtp:// and a host.")
            options = {
                "host": parts.hostname,
                "port": parts.port or (465 if parts.scheme == "smtps" else 587),
                "username": unquote(parts.username or ""),
                "password": Secret(unquote(parts.password or "")),
                "use_ssl": parts.scheme == "smtps",
                "use_tls": parts.scheme == "smtp",
                "timeout": 10,
            }
            return {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}

        return self._read(name, parse, MISSING, {}, cure=cure, private=True)


def network(text: str) -> str:
    """The CIDR network, checked. Raises ValueError in plain words."""
    try:
        found = ipaddress.ip_network(text)
    except ValueError:
        raise ValueError(f"{text!r} is neither an address nor a network.") from None
    if found.prefixlen == 0:
        raise ValueError(f"{text!r} trusts every address.")
    return str(found)


def split(raw: str) -> list[str]:
    return [part.strip() for part in raw.split(",") if part.strip()]


env = Env(os.environ)
