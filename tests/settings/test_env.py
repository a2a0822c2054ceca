"""The readers of the environment: every problem is named, all at once, and never with the secret."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from config.env import Env, Secret

LONG = "correct horse battery staple, and fifty characters"


def refusal(env: Env) -> str:
    with pytest.raises(ImproperlyConfigured) as refused:
        env.finish()
    return str(refused.value)


def test_all_problems_are_told_at_once() -> None:
    env = Env({"ALLOWED_HOSTS": "*", "SECRET_KEY": "short"})
    env.hosts("ALLOWED_HOSTS", cure="Name them.")
    env.secret("SECRET_KEY", shortest=50, cure="Make one.")
    env.text("DEFAULT_FROM_EMAIL", cure="The sender.")
    told = refusal(env)
    assert "3 settings are missing or weak" in told
    assert "1. ALLOWED_HOSTS: * is no plain host name. Name them." in told
    assert "2. SECRET_KEY: has 5 characters; 50 are the least. Make one." in told
    assert "3. DEFAULT_FROM_EMAIL: is not set. The sender." in told


def test_nothing_is_raised_where_nothing_is_wrong() -> None:
    env = Env({"NAME": " value "})
    assert env.text("NAME") == "value"
    env.finish()


def test_a_secret_is_never_shown() -> None:
    env = Env({"SECRET_KEY": LONG[:20], "MAIL_URL": f"ftp://user:{LONG}@host"})
    env.secret("SECRET_KEY", shortest=50, cure="")
    env.mailer("MAIL_URL", cure="")
    told = refusal(env)
    assert LONG[:20] not in told
    assert "horse" not in repr(Secret(LONG))
    assert "horse" not in repr({"password": Secret(LONG)})


def test_a_repeated_character_is_no_secret() -> None:
    env = Env({"SECRET_KEY": "a" * 60})
    env.secret("SECRET_KEY", shortest=50, cure="")
    assert "is not random" in refusal(env)


def test_a_secret_is_read_from_a_file_without_its_newline(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.touch(0o600)
    path.write_text(f"{LONG}\n")
    env = Env({"SECRET_KEY_FILE": str(path)})
    assert env.secret("SECRET_KEY", shortest=50, cure="") == LONG
    env.finish()


@pytest.mark.parametrize("mode", [0o604, 0o620, 0o666, 0o644])
def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret"
    path.write_text(LONG)
    path.chmod(mode)
    env = Env({"SECRET_KEY_FILE": str(path)})
    assert env.secret("SECRET_KEY", cure="") == ""
    assert f"chmod 600 {path}" in refusal(env)


def test_a_missing_and_an_empty_file_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").touch(0o600)
    env = Env({"A_FILE": str(tmp_path / "none"), "B_FILE": str(tmp_path / "empty")})
    env.secret("A", cure="")
    env.secret("B", cure="")
    told = refusal(env)
    assert "A_FILE" in told
    assert "No such file" in told
    assert "empty is empty" in told


@pytest.mark.parametrize("name", ["secret", "\udd00"])
def test_a_file_that_is_not_text_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").touch(0o600)
    (tmp_path / "secret").write_bytes(b"\xff" * 60)
    env = Env({"A_FILE": str(tmp_path / name)})
    env.secret("A", cure="")
    assert "not UTF-8 text" in refusal(env)


def test_a_variable_and_its_file_together_are_refused() -> None:
    env = Env({"SECRET_KEY": LONG, "SECRET_KEY_FILE": "/dev/null"})
    env.secret("SECRET_KEY", cure="")
    assert "both SECRET_KEY and SECRET_KEY_FILE are set" in refusal(env)


@pytest.mark.parametrize(("raw", "value"), [("true", True), ("False", False), ("TRUE", True)])
def test_a_boolean_is_true_or_false(raw: str, value: bool) -> None:
    env = Env({"SWITCH": raw})
    assert env.boolean("SWITCH", otherwise=not value) is value
    env.finish()


@pytest.mark.parametrize("raw", ["Ture", "yes", "1", "on"])
def test_a_mistyped_boolean_is_not_taken_for_false(raw: str) -> None:
    env = Env({"SWITCH": raw})
    env.boolean("SWITCH", otherwise=False)
    assert "neither true nor false" in refusal(env)


def test_a_value_outside_its_choices_is_refused() -> None:
    env = Env({"MODE": "opne"})
    env.text("MODE", choices=("open", "closed"))
    assert "'opne' is not one of open, closed." in refusal(env)


def test_spaces_in_a_list_are_trimmed() -> None:
    env = Env({"ALLOWED_HOSTS": " a.example , b.example,"})
    assert env.hosts("ALLOWED_HOSTS", cure="") == ["a.example", "b.example"]


@pytest.mark.parametrize("raw", ["*", ".example.org", "a.example b.example", "https://a.example"])
def test_a_host_that_is_no_plain_name_is_refused(raw: str) -> None:
    env = Env({"ALLOWED_HOSTS": raw})
    assert env.hosts("ALLOWED_HOSTS", cure="") == []
    assert "is no plain host name" in refusal(env)


@pytest.mark.parametrize("raw", ["0.0.0.0/0", "::/0", "proxy.internal", "10.0.0.1/24"])
def test_a_proxy_that_is_everybody_or_no_address_is_refused(raw: str) -> None:
    env = Env({"TRUSTED_PROXIES": raw})
    assert env.networks("TRUSTED_PROXIES", cure="") == []
    assert raw in refusal(env)


def test_proxies_are_addresses_networks_or_the_socket() -> None:
    env = Env({"TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/24,unix"})
    assert env.networks("TRUSTED_PROXIES", cure="") == ["127.0.0.1/32", "10.0.0.0/24", "unix"]


def test_mail_goes_over_tls_either_way() -> None:
    env = Env({"A": "smtps://me:p%40ss@mail.example.org", "B": "smtp://mail.example.org"})
    first, second = env.mailer("A", cure="")["OPTIONS"], env.mailer("B", cure="")["OPTIONS"]
    assert (first["port"], first["use_ssl"], first["password"]) == (465, True, "p@ss")
    assert (second["port"], second["use_tls"]) == (587, True)


@pytest.mark.parametrize("raw", ["sqlite:///db.sqlite3", "mysql://a@b/c", "postgres", "postgresql://h:port/x"])
def test_a_database_of_another_kind_is_refused(raw: str) -> None:
    env = Env({"DATABASE_URL": raw})
    assert env.database("DATABASE_URL", engines=("postgresql",), cure="") == {}
    assert "DATABASE_URL" in refusal(env)


@given(st.dictionaries(st.sampled_from(["A", "A_FILE"]), st.text(st.characters(exclude_characters="\0"), max_size=40)))
def test_no_text_makes_a_reader_fail_otherwise_than_with_its_list(environ: dict[str, str]) -> None:
    env = Env(environ)
    env.secret("A", shortest=10, cure="")
    env.hosts("A", cure="")
    env.networks("A", cure="")
    env.mailer("A", cure="")
    env.url("A", schemes=("https",), cure="")
    env.database("A", engines=("postgresql",), cure="")
    env.boolean("A", otherwise=False)
    assert env.problems
