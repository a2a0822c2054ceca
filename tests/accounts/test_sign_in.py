"""Signing in and out, by email and password."""

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import authenticate
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.test import Client, RequestFactory, override_settings
from django.urls import reverse
from django.utils import timezone

from apps.accounts.backends import SignInBackend
from apps.accounts.models import User
from tests.accounts.steps import EMAIL, PASSWORD, WRONG, is_signed_in, mailed_code, sign_in
from tests.conftest import MakeUser

pytestmark = pytest.mark.django_db

REAL_HASHER = ["apps.accounts.hashers.Argon2idHasher"]


def test_the_right_password_signs_in(client: Client, member: User) -> None:
    response = sign_in(client)
    assert response.status_code == 302
    assert response["Location"] == "/"
    assert client.session["_auth_user_id"] == str(member.pk)


def test_the_real_hasher_signs_in_too(client: Client, member: User) -> None:
    with override_settings(PASSWORD_HASHERS=REAL_HASHER):
        sign_in(client)
        assert is_signed_in(client)
    member.refresh_from_db()
    assert "m=65536,t=3,p=4" in member.password  # the test's cheap hash was replaced on the way


@pytest.mark.parametrize("spelling", ["MEMBER@example.org", " member@EXAMPLE.org "])
def test_the_case_of_the_address_does_not_matter(client: Client, member: User, spelling: str) -> None:
    sign_in(client, email=spelling)
    assert is_signed_in(client)


def test_a_wrong_password_does_not_sign_in_and_says_so(client: Client, member: User) -> None:
    response = sign_in(client, password=WRONG)
    assert response.status_code == 200
    assert "email address and/or password you specified are not correct" in response.content.decode()
    assert not is_signed_in(client)


@pytest.mark.asvs("6.2.8")
@pytest.mark.parametrize("near", [PASSWORD.title(), PASSWORD + " ", " " + PASSWORD])
def test_nearly_the_password_does_not_sign_in(client: Client, member: User, near: str) -> None:
    sign_in(client, password=near)
    assert not is_signed_in(client)


@pytest.mark.asvs("7.4.2")
def test_a_disabled_account_does_not_sign_in_and_its_sessions_end(client: Client, member: User) -> None:
    elsewhere = Client()
    sign_in(elsewhere)
    User.objects.update(is_active=False)
    page = client.get(sign_in(client)["Location"])
    assert "This account is disabled" in page.content.decode()
    assert not is_signed_in(client)
    assert elsewhere.get(reverse("accounts:profile")).status_code == 302


def test_an_unproved_address_must_be_proved_first(client: Client, make_user: MakeUser) -> None:
    make_user(email=EMAIL, password=PASSWORD)
    assert sign_in(client)["Location"] == reverse("account_email_verification_sent")
    assert not is_signed_in(client)
    client.post(reverse("account_email_verification_sent"), {"code": mailed_code()})
    assert is_signed_in(client)


@pytest.mark.asvs("7.2.4")
def test_signing_in_takes_a_new_session_key_so_that_a_planted_one_is_worthless(client: Client, member: User) -> None:
    client.get(reverse("account_login"))
    session = client.session
    session["planted"] = "by an attacker"
    session.save()
    planted = session.session_key
    client.cookies["sessionid"] = str(planted)
    sign_in(client)
    assert is_signed_in(client)
    assert client.session.session_key != planted
    attacker = Client()
    attacker.cookies["sessionid"] = str(planted)
    assert not is_signed_in(attacker)


@pytest.mark.asvs("7.3.2")
def test_the_cookie_ends_with_the_browser_and_the_session_after_twelve_hours(client: Client, member: User) -> None:
    sign_in(client)
    assert client.cookies["sessionid"]["max-age"] == ""
    assert Session.objects.get().expire_date <= timezone.now() + timedelta(hours=12)


@pytest.mark.asvs("7.4.1")
def test_signing_out_ends_the_session_on_the_server(client: Client, member: User) -> None:
    sign_in(client)
    stolen = Client()
    stolen.cookies["sessionid"] = client.cookies["sessionid"].value
    assert stolen.get(reverse("accounts:profile")).status_code == 200
    client.post(reverse("account_logout"))
    assert not is_signed_in(client)
    assert stolen.get(reverse("accounts:profile")).status_code == 302


def test_following_a_link_to_sign_out_only_asks(client: Client, member: User) -> None:
    sign_in(client)
    response = client.get(reverse("account_logout"))
    assert response.status_code == 200
    assert "Sign out?" in response.content.decode()
    assert is_signed_in(client)


@pytest.mark.asvs("3.5.1")
def test_signing_in_needs_the_forms_token(member: User) -> None:
    assert sign_in(Client(enforce_csrf_checks=True)).status_code == 403


@pytest.mark.parametrize("page", ["account_login", "account_signup", "account_reset_password"])
def test_a_json_answer_is_not_to_be_had(client: Client, page: str) -> None:
    response = client.get(reverse(page), headers={"X-Requested-With": "XMLHttpRequest", "Accept": "application/json"})
    assert response["Content-Type"].startswith("text/html")


def test_where_one_wanted_to_go_is_kept_through_sign_in(client: Client, member: User) -> None:
    wanted = client.get(reverse("accounts:profile"))["Location"]
    assert wanted == "/accounts/login/?next=/account/"
    assert 'name="next" value="/account/"' in client.get(wanted).content.decode()
    response = client.post(wanted, {"login": EMAIL, "password": PASSWORD, "next": "/account/"})
    assert response["Location"] == "/account/"


@pytest.mark.asvs("3.7.2", "15.3.1")
@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "https:///evil.example/",
        "javascript:alert(1)",
        "http:evil.example",
        "https://testserver@evil.example/",
        "\x00https://evil.example",
        "https://evil.example\\@testserver/",
    ],
)
def test_nobody_is_sent_to_another_site_after_sign_in(client: Client, member: User, target: str) -> None:
    response = client.post(reverse("account_login"), {"login": EMAIL, "password": PASSWORD, "next": target})
    assert response.status_code == 302
    assert response["Location"] == "/"


@pytest.mark.asvs("6.2.6", "6.2.7")
@pytest.mark.parametrize(
    ("page", "autocomplete"), [("account_login", "current-password"), ("account_signup", "new-password")]
)
def test_passwords_are_masked_and_managers_may_fill_them(client: Client, page: str, autocomplete: str) -> None:
    field = client.get(reverse(page)).context["form"].fields["password" if page == "account_login" else "password1"]
    assert field.widget.input_type == "password"
    assert field.widget.attrs["autocomplete"] == autocomplete
    assert "maxlength" not in field.widget.attrs  # browsers would silently cut what is pasted


@pytest.mark.asvs("6.3.6")
def test_a_mailed_code_is_no_way_to_sign_in(client: Client, member: User) -> None:
    assert client.post("/accounts/login/code/", {"email": EMAIL}).status_code == 404


def test_who_somebody_is_gives_them_no_right(member: User) -> None:
    member.is_superuser = True
    member.save()
    permission = Permission.objects.get(codename="view_user")
    member.user_permissions.add(permission)
    backend = SignInBackend()
    user = backend.get_user(member.pk)
    assert user is not None
    assert not backend.has_perm(user, "accounts.view_user")
    assert not backend.has_module_perms(user, "accounts")
    assert backend.get_all_permissions(user) == set()
    assert backend.get_user_permissions(user) == set()
    assert backend.get_group_permissions(user) == set()
    assert not backend.with_perm("accounts.view_user").exists()


def test_nor_does_it_when_asked_asynchronously(member: User) -> None:
    member.is_superuser = True
    member.save()
    member.user_permissions.add(Permission.objects.get(codename="view_user"))
    backend = SignInBackend()
    assert not async_to_sync(backend.ahas_perm)(member, "accounts.view_user")
    assert not async_to_sync(backend.ahas_module_perms)(member, "accounts")
    assert async_to_sync(backend.aget_user_permissions)(member) == set()
    assert async_to_sync(backend.aget_group_permissions)(member) == set()
    assert async_to_sync(backend.aget_all_permissions)(member) == set()


def test_the_backends_know_a_user_by_email_and_password_only(member: User, rf: RequestFactory) -> None:
    request = rf.post("/")
    assert authenticate(request, email=EMAIL, password=PASSWORD) == member
    assert authenticate(request, email=EMAIL, password="") is None
    assert authenticate(request, email=EMAIL) is None
    assert authenticate(request, email="", password=PASSWORD) is None
