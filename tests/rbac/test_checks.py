"""What `manage.py check` finds: each mistake gives its own id, and the kit as it stands gives none."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, PermissionsMixin
from django.core.checks import run_checks
from django.core.checks.registry import registry as registered
from guardian.models import GroupObjectPermission, UserObjectPermission

from apps.accounts.models import User
from apps.rbac import protection
from apps.rbac.checks import no_rights_elsewhere
from apps.rbac.constraints import DsdSet, SsdSet
from apps.rbac.roles import Registry, extend
from tests.rbac.test_roles import declare
from tests.testapp.models import Document, DocumentGroupShare, DocumentUserShare, Folder

OURS = [each for each in registered.get_checks() if each.__module__.startswith("apps.rbac.")]


def found() -> set[str]:
    return {message.id or "" for check in OURS for message in check(app_configs=None, databases=None)}


def test_the_kit_as_it_stands_has_no_finding() -> None:
    assert found() == set()


def grants(slug: str, **declared: Any) -> None:
    declare(slug, permissions=frozenset({"testapp.view_document"}), **declared)


MISTAKES: dict[str, tuple[str, Callable[[], Any]]] = {
    "a role grants what no model declares": (
        "rbac.E001",
        lambda: declare("new", permissions=frozenset({"testapp.veiw_document"})),
    ),
    "an app adds what no model declares": ("rbac.E001", lambda: extend("user", {"testapp.veiw_document"})),
    "a role inherits from an unknown one": ("rbac.E002", lambda: grants("new", inherits=("unknown",))),
    "a role inherits from itself": ("rbac.E002", lambda: grants("new", inherits=("new",))),
    "two roles inherit from each other": (
        "rbac.E002",
        lambda: (grants("one", inherits=("two",)), grants("two", inherits=("one",))),
    ),
    "an app extends an unknown role": ("rbac.E003", lambda: extend("unknown", {"testapp.view_document"})),
    "a role inherits across scopes": (
        "rbac.E004",
        lambda: declare("new", scope="testapp.Folder", inherits=("testapp.librarian",)),
    ),
    "a role is scoped to nothing": ("rbac.E005", lambda: grants("new", scope="testapp.Nothing")),
    "a role is scoped to a word": ("rbac.E005", lambda: grants("new", scope="everything")),
    "a role grants nothing": ("rbac.W007", lambda: declare("new")),
    "a set has an unknown role": ("rbac.E006", lambda: SsdSet("new", {"unknown", "user"})),
    "a set forbids one role": ("rbac.E006", lambda: DsdSet("new", {"guest", "user"}, n=1)),
    "a set forbids more than it has": ("rbac.E006", lambda: SsdSet("new", {"guest", "user"}, n=3)),
    "nobody could hold a role": ("rbac.E007", lambda: SsdSet("new", {"guest", "user"})),
    "nobody could use a role": ("rbac.E007", lambda: DsdSet("new", {"guest", "user"})),
    "a role is scoped to a model without UUIDs": ("rbac.E104", lambda: grants("new", scope="auth.Group")),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_role_is_found(mistake: str, registry: Registry) -> None:
    name, make = MISTAKES[mistake]
    make()
    assert found() == {name}


def test_a_permission_in_no_role_is_found(registry: Registry) -> None:
    del registry.roles["testapp.document_owner"]
    registry.forget()
    assert found() == {"rbac.W006"}


@pytest.mark.parametrize("path", ["", "config.security.step_up.missing", "config.KIT_VERSION"])
def test_a_privileged_role_without_a_way_to_prove_oneself_is_found(
    path: str, registry: Registry, settings: Any
) -> None:
    settings.RBAC_STEP_UP = path
    assert found() == set()
    grants("new", requires_activation=True)
    assert found() == {"rbac.E406"}


@pytest.mark.parametrize("share", [DocumentUserShare, DocumentGroupShare])
def test_a_model_with_one_kind_of_share_only_is_found(share: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    both = protection.shares_of_model(Document)
    one = tuple(None if each is share else each for each in both)
    monkeypatch.setattr(protection, "shares_of_model", lambda model: one if model is Document else (None, None))
    assert "rbac.E101" in found()


def test_a_model_that_nobody_could_share_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Document, "rbac_share_permission", "testapp.give_document", raising=False)
    assert found() == {"rbac.E102"}


@pytest.mark.parametrize("name", ["title", "missing", ""])
def test_a_container_that_is_no_foreign_key_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Document, "rbac_container", name)
    assert found() == {"rbac.E103"}


def test_a_container_in_a_container_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Folder, "rbac_container", "name", raising=False)
    assert found() == {"rbac.E103"}


@pytest.mark.parametrize("model", [Document, Folder])
def test_a_key_that_is_no_uuid_is_found(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model._meta, "pk", Document._meta.get_field("title"))
    assert found() == {"rbac.E104"}


@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [
        ("rbac.E401", "MIDDLEWARE", []),
        ("rbac.E402", "AUTHENTICATION_BACKENDS", ["apps.accounts.backends.SignInBackend"]),
        ("rbac.E404", "ANONYMOUS_USER_NAME", "AnonymousUser"),
        ("rbac.E404", "GUARDIAN_MONKEY_PATCH_USER", True),
        ("rbac.E405", "RBAC_DEFAULT_ROLE", "usr"),
        ("rbac.E405", "RBAC_DEFAULT_ROLE", "testapp.folder_reader"),
    ],
)
def test_a_setting_that_would_open_a_second_way_is_found(name: str, setting: str, value: Any, settings: Any) -> None:
    setattr(settings, setting, value)
    assert name in found()


@pytest.mark.parametrize(
    "rival",
    [
        "django.contrib.auth.backends.ModelBackend",
        "django.contrib.auth.backends.AllowAllUsersModelBackend",
        "guardian.backends.ObjectPermissionBackend",
        "allauth.account.auth_backends.AuthenticationBackend",
    ],
)
def test_another_backend_that_answers_for_permissions_is_found(rival: str, settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, rival]
    assert found() == {"rbac.E402"}


def test_a_user_model_that_answers_for_superusers_itself_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(User, "has_perm", PermissionsMixin.has_perm)
    assert found() == {"rbac.E403"}


def test_rows_that_look_like_rights_and_are_none_are_found(stranger: User) -> None:
    permission = Permission.objects.get(codename="view_folder", content_type__app_label="testapp")
    group, folder = Group.objects.create(name="group"), Folder.objects.create(name="folder")
    generic = {"permission": permission, "content_object": folder}
    for add, remove in (
        (lambda: stranger.user_permissions.add(permission), lambda: stranger.user_permissions.clear()),
        (lambda: group.permissions.add(permission), lambda: group.permissions.clear()),
        (
            lambda: UserObjectPermission.objects.create(user=stranger, **generic),
            lambda: UserObjectPermission.objects.all().delete(),
        ),
        (
            lambda: GroupObjectPermission.objects.create(group=group, **generic),
            lambda: GroupObjectPermission.objects.all().delete(),
        ),
    ):
        add()
        assert [message.id for message in no_rights_elsewhere(databases=["default"])] == ["rbac.E301"]
        assert not stranger.has_perm("testapp.view_folder", folder)
        remove()
        assert no_rights_elsewhere(databases=["default"]) == []


@pytest.mark.asvs("8.2.1")
@pytest.mark.urls("tests.rbac.undeclared_pages")
def test_every_page_without_a_sound_policy_is_found_at_any_depth() -> None:
    messages = [message for message in run_checks(tags=["urls"]) if (message.id or "").startswith("rbac.")]
    assert [(message.id, message.msg.partition(" (")[0].partition(" ")[0], message.hint) for message in messages] == [
        ("rbac.E201", "/nested/deep/undeclared/", "Use @policy or policy_include."),
        ("rbac.E201", "/class/", "Its class has one: let it inherit PolicyView."),
        ("rbac.E203", "/misspelled/", None),
        ("rbac.W205", "/nobodys/", None),
        ("rbac.E204", "/misnamed/<key>/", None),
        ("rbac.E202", "/closed/desk/", "Mark the view with Django's login_not_required."),
    ]


def test_a_project_without_pages_has_nothing_to_declare(settings: Any) -> None:
    settings.ROOT_URLCONF = None
    from apps.rbac.checks import every_url_has_a_policy

    assert every_url_has_a_policy() == []
