"""Who may see and do what: each refusal stands beside the grant that differs from it by one thing."""

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.rbac.assignments import revoke_role
from apps.records.models import Record
from tests.conftest import ClientFor, MakeUser
from tests.records.conftest import GIVEN, RecordOf

EDITED = GIVEN | {"title": "Case 4712"}


@pytest.fixture
def owners(client_for: ClientFor, owner: User) -> Client:
    return client_for(owner)


@pytest.fixture
def colleagues(client_for: ClientFor, colleague: User) -> Client:
    return client_for(colleague)


@pytest.fixture
def strangers(client_for: ClientFor, stranger: User) -> Client:
    return client_for(stranger)


def share(owners: Client, record: Record, colleague: User, access: str) -> None:
    answer = owners.post(f"/records/{record.pk}/share/", {"email": colleague.email, "access": access})
    assert answer.status_code == 302, answer.content.decode()


def every_page(record: Record) -> list[str]:
    return [f"/records/{record.pk}/{page}" for page in ("", "edit/", "share/", "delete/")]


def test_an_owner_opens_every_page_of_his_record(owners: Client, record: Record) -> None:
    assert [owners.get(page).status_code for page in every_page(record)] == [200, 200, 200, 200]


@pytest.mark.asvs("8.2.2", "8.3.1")
def test_a_stranger_gets_404_on_every_page_of_it(strangers: Client, record: Record) -> None:
    assert [strangers.get(page).status_code for page in every_page(record)] == [404, 404, 404, 404]


@pytest.mark.asvs("8.2.2", "8.3.1")
def test_a_strangers_posts_change_nothing(strangers: Client, stranger: User, record: Record) -> None:
    posts = [("edit/", EDITED), ("delete/", {}), ("share/", {"email": stranger.email, "access": "Can edit"})]
    posts.append((f"share/{stranger.pk}/stop/", {}))

    assert [strangers.post(f"/records/{record.pk}/{page}", sent).status_code for page, sent in posts] == [404] * 4
    assert Record.objects.get().title == "Case 4711"
    assert strangers.get(f"/records/{record.pk}/").status_code == 404


def test_who_can_view_sees_the_record_and_nothing_else_of_it(
    owners: Client, colleagues: Client, colleague: User, record: Record
) -> None:
    share(owners, record, colleague, "Can view")

    assert [colleagues.get(page).status_code for page in every_page(record)] == [200, 403, 403, 403]
    assert colleagues.post(f"/records/{record.pk}/edit/", EDITED).status_code == 403
    assert Record.objects.get().title == "Case 4711"


def test_who_can_edit_changes_the_record_but_neither_shares_nor_deletes_it(
    owners: Client, colleagues: Client, colleague: User, record: Record
) -> None:
    share(owners, record, colleague, "Can edit")

    assert colleagues.post(f"/records/{record.pk}/edit/", EDITED).status_code == 302
    assert Record.objects.get().title == "Case 4712"
    assert [colleagues.get(page).status_code for page in every_page(record)] == [200, 200, 403, 403]


def test_sharing_again_with_less_takes_the_rest_away(
    owners: Client, colleagues: Client, colleague: User, record: Record
) -> None:
    share(owners, record, colleague, "Can edit")
    share(owners, record, colleague, "Can view")

    assert colleagues.get(f"/records/{record.pk}/").status_code == 200
    assert colleagues.post(f"/records/{record.pk}/edit/", EDITED).status_code == 403


@pytest.mark.asvs("8.3.2")
def test_who_is_no_longer_shared_with_gets_404_at_once(
    owners: Client, colleagues: Client, colleague: User, record: Record
) -> None:
    share(owners, record, colleague, "Can view")
    assert colleagues.get(f"/records/{record.pk}/").status_code == 200

    owners.post(f"/records/{record.pk}/share/{colleague.pk}/stop/")

    assert colleagues.get(f"/records/{record.pk}/").status_code == 404


def test_the_list_holds_what_one_may_see_and_nothing_else(
    owners: Client, colleagues: Client, strangers: Client, colleague: User, record: Record, record_of: RecordOf
) -> None:
    record_of(colleague, title="Case 99")
    share(owners, record, colleague, "Can view")

    assert b"Case 99" not in owners.get("/records/").content
    assert b"Case 4711" in colleagues.get("/records/").content
    assert b"Case 99" in colleagues.get("/records/").content
    assert b"Case" not in strangers.get("/records/").content


def test_a_guest_may_look_but_not_make_records(client_for: ClientFor, make_user: MakeUser, administrator: User) -> None:
    guest = make_user(role="guest")
    revoke_role(administrator, "user", guest)
    browser = client_for(guest)

    assert browser.get("/records/").status_code == 200
    assert browser.get("/records/new/").status_code == 403
    assert browser.post("/records/new/", GIVEN).status_code == 403
    assert not Record.objects.exists()


def test_an_administrator_sees_no_records_that_are_not_shared_with_him(
    client_for: ClientFor, administrator: User, record: Record
) -> None:
    browser = client_for(administrator)

    assert b"Case 4711" not in browser.get("/records/").content
    assert browser.get(f"/records/{record.pk}/").status_code == 404


@pytest.mark.parametrize("page", ["", "new/", "find/"])
def test_who_has_not_signed_in_is_sent_to_sign_in(client: Client, db: None, page: str) -> None:
    answer = client.get(f"/records/{page}")

    assert answer.status_code in {302, 405}
    assert answer.status_code == 405 or answer["Location"].startswith("/accounts/login/")


def test_who_has_not_signed_in_does_not_learn_whether_a_record_exists(client: Client, record: Record) -> None:
    here = client.get(f"/records/{record.pk}/")
    nowhere = client.get("/records/0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b/")

    assert (here.status_code, nowhere.status_code) == (302, 302)


@pytest.mark.parametrize("malformed", ["1", "x" * 36, "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5g", "%00", "..%2f"])
def test_a_malformed_id_gives_404(strangers: Client, malformed: str) -> None:
    assert strangers.get(f"/records/{malformed}/").status_code == 404
