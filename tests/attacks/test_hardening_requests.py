"""Requests that no browser of ours sends: refused, on record, and no fault of the site."""

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import Event

pytestmark = pytest.mark.django_db


@pytest.mark.asvs("3.5.1")
def test_a_form_of_another_site_is_refused_and_on_record(owner: User) -> None:
    victim = Client(enforce_csrf_checks=True)
    victim.force_login(owner, backend="apps.accounts.backends.SignInBackend")
    assert victim.post("/account/", {"name": "Mallory"}).status_code == 403
    owner.refresh_from_db()
    assert owner.name == ""
    event = Event.objects.get(action="hardening.request.refused")
    assert (event.outcome, event.actor_id, event.route) == ("denied", str(owner.pk), "account/")


@pytest.mark.parametrize("key", ['"\\000aaaaaaaaaaaa"', '"\\377\\376aaaaaaaaaa"', '"\\054\\073 aaaaaaaaa"', "a" * 5000])
def test_a_malformed_session_cookie_is_nobodys(key: str) -> None:
    """PostgreSQL takes no NUL in a text, and a quoted cookie can hold one."""
    answer = Client().get("/account/", HTTP_COOKIE=f"sessionid={key}")
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/?next=/account/")
