"""Every URL of the site, but for the sample's, which has a matrix of its own, against everybody."""

from pathlib import Path
from typing import Any

import pytest

from apps.audit.models import Event
from apps.rbac.assignments import assign_role_as_system
from tests import access, factories
from tests.testapp.models import Document, Folder
from tests.testapp.roles import DocumentOwner

HERE = Path(__file__).parent.parent
KIT = {"", "accounts", "admin", "audit", "rbac"}  # namespaces of URLs
pytestmark = [pytest.mark.django_db, pytest.mark.asvs("8.2.1", "8.2.2", "8.3.1", "8.4.1")]


def is_kit(name: str) -> bool:
    """Not an adopter's. `home` sends people on to what the installed apps offer: it has no answer of its own."""
    namespace, _, rest = name.rpartition(":")
    return name != "home" and namespace in KIT and not rest.startswith("records_")


@pytest.fixture
def documents() -> tuple[Document, Document]:
    """In two folders, which are two tenants."""
    made = [Document.objects.create(title=f"Plan {n}", folder=Folder.objects.create(name=f"Plans {n}")) for n in "AB"]
    return made[0], made[1]


def test_every_url_of_the_site_answers_each_as_the_matrix_says(documents: tuple[Document, Document]) -> None:
    mine, others = documents
    made = access.people(DocumentOwner.slug, mine, others)
    other = factories.make_user(email="other@example.org")
    event = Event.objects.latest("id")
    assignment = assign_role_as_system("guest", other, reason="matrix")
    group = factories.make_group()
    objects = {
        "accounts_user": other.pk,
        "auth_group": group.pk,
        "rbac_roleassignment": assignment.pk,
        "testapp_document": mine.pk,
        "testapp_folder": mine.folder_id,
    }

    def arguments(name: str) -> dict[str, Any]:
        if name.startswith("rbac:"):
            key = f"testapp.document:{mine.pk}"
            return {"slug": "admin", "key": key, "pk": assignment.pk if name == "rbac:revoke" else other.pk}
        kind = name.removeprefix("admin:").rpartition("_")[0]
        return {"pk": event.pk, "kind": "accounts.user", "key": other.pk, "object_id": objects.get(kind, "x")}

    rows = access.matrix(access.routes(None, is_kit), made, arguments)
    access.assert_nobody_reaches_others(rows)
    access.compare(HERE / "access_matrix.csv", rows)


@pytest.mark.urls("tests.rbac.pages")
def test_views_of_every_kind_answer_each_as_the_matrix_says(
    documents: tuple[Document, Document], settings: Any
) -> None:
    settings.LOGIN_URL = "/sign-in/"
    mine, others = documents
    made = access.people(DocumentOwner.slug, mine, others)
    arguments = {"pk": mine.pk, "other": mine.pk, "folder_pk": mine.folder_id}
    rows = access.matrix(access.routes("tests.rbac.pages", lambda name: True), made, lambda name: arguments)
    broken = ("forgetful", "lenient")  # their answer is an error, as it should be
    access.assert_nobody_reaches_others([row for row in rows if not any(each in row["url"] for each in broken)])
    access.compare(HERE / "rbac" / "access_matrix.csv", rows)
