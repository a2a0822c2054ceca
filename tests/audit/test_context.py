"""Who acts is never mixed up: not between threads, not between asyncio tasks, not after a block has ended."""

import asyncio
import contextvars
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.test import RequestFactory

from apps.accounts.models import User
from apps.audit.context import Actor, acting_as, current, of_request
from apps.audit.writing import is_collecting

ANN, BOB = User(email="ann@example.org"), User(email="bob@example.org")


def actor(user: User) -> Actor:
    return Actor("user", str(user.pk), user.email)


def request_by(user: User | AnonymousUser) -> object:
    request = RequestFactory().get("/")
    request.user = user
    return request


def test_a_command_is_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["/srv/manage.py", "clearsessions"])
    assert current().actor == Actor("system", "clearsessions", "system:clearsessions")
    assert current().origin.route == "system:clearsessions"


def test_a_server_without_a_request_is_the_system_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["/venv/bin/gunicorn"])
    assert current().actor.label == "system:gunicorn"


def test_a_program_without_a_name_is_still_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", [])
    assert current().actor.label == "system:python"


def test_a_task_acts_as_the_person_it_works_for_and_says_why() -> None:
    with acting_as(ANN, reason="import"):
        assert current().actor == actor(ANN)
        assert current().on_behalf_of is None
        assert current().reason == "import"
    assert current().actor.type == "system"
    assert current().reason == ""


def test_the_system_can_act_for_a_reason() -> None:
    with acting_as(None, reason="nightly"):
        assert (current().actor.type, current().reason) == ("system", "nightly")


def test_the_person_signed_in_stays_accountable_for_what_is_done_as_another() -> None:
    with of_request(request_by(ANN)), acting_as(BOB):  # type: ignore[arg-type]
        assert current().actor == actor(ANN)
        assert current().on_behalf_of == actor(BOB)


def test_acting_as_oneself_is_on_behalf_of_nobody() -> None:
    with of_request(request_by(ANN)), acting_as(ANN):  # type: ignore[arg-type]
        assert current().on_behalf_of is None


def test_a_request_does_not_inherit_who_acted_around_it() -> None:
    with acting_as(ANN), of_request(request_by(AnonymousUser())):  # type: ignore[arg-type]
        assert current().actor.type == "anonymous"


def test_the_block_ends_with_an_error_too() -> None:
    with pytest.raises(ZeroDivisionError), acting_as(ANN):
        raise ZeroDivisionError
    assert current().actor.type == "system"
    assert not is_collecting()


@pytest.mark.asvs("16.2.5")
def test_the_session_is_told_by_a_hash_which_is_the_same_for_one_session_only() -> None:
    def hashed(key: str) -> str:
        request = RequestFactory().get("/")
        request.session = SessionStore(key)
        with of_request(request):
            return current().origin.session

    assert hashed("a" * 32) == hashed("a" * 32) != hashed("b" * 32)
    assert "a" * 8 not in hashed("a" * 32)


@pytest.mark.asvs("15.4.1")
def test_threads_do_not_see_each_other() -> None:
    people = [User(email=f"user{number}@example.org") for number in range(8)]
    together = Barrier(len(people))

    def work(user: User) -> tuple[Actor, Actor]:
        with acting_as(user):
            together.wait(timeout=10)
            seen = current().actor
            together.wait(timeout=10)
        return seen, current().actor

    with ThreadPoolExecutor(len(people)) as pool:
        for user, (inside, after) in zip(people, pool.map(work, people), strict=True):
            assert inside == actor(user)
            assert after.type == "system"


@pytest.mark.asvs("15.4.1")
def test_asyncio_tasks_do_not_see_each_other() -> None:
    people = [User(email=f"user{number}@example.org") for number in range(8)]

    async def work(user: User) -> Actor:
        with acting_as(user):
            await asyncio.sleep(0)
            return current().actor

    async def all_of_them() -> list[Actor]:
        return await asyncio.gather(*(work(user) for user in people))

    assert asyncio.run(all_of_them()) == [actor(user) for user in people]


def test_a_thread_started_with_a_copy_of_the_context_knows_who_started_it() -> None:
    with acting_as(ANN), ThreadPoolExecutor(1) as pool:
        assert pool.submit(contextvars.copy_context().run, current).result().actor == actor(ANN)
        assert asyncio.run(asyncio.to_thread(current)).actor == actor(ANN)
