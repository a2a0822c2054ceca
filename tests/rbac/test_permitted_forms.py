"""Who may see or change which field, and choose among which rows: in the form, and against a forged post."""

from typing import Any, ClassVar

import pytest
from django import forms

from apps.accounts.models import User
from apps.rbac.assignments import assign_role_as_system
from apps.rbac.permitted_forms import FieldPolicy, PermittedFormMixin, ScopedChoiceField, ScopedMultipleChoiceField
from apps.rbac.sharing import share
from config.security.forms import StrictModelForm
from tests.rbac.conftest import Told, queries
from tests.testapp.models import Document, Folder

pytestmark = pytest.mark.asvs("8.2.3")


class TitleForm(PermittedFormMixin, StrictModelForm[Document]):
    """Who may edit a document may not retitle it, unless he may delete it too."""

    field_policies: ClassVar = {"title": FieldPolicy(change="testapp.delete_document")}

    class Meta:
        model = Document
        fields: ClassVar = ["title"]


class HidingForm(TitleForm):
    field_policies: ClassVar = {"title": FieldPolicy(see="testapp.delete_document")}


class FilingForm(PermittedFormMixin, forms.ModelForm):  # type: ignore[type-arg] # not at run time
    folder = ScopedChoiceField(Folder.objects.all(), permission="testapp.view_folder", required=False)

    class Meta:
        model = Document
        fields: ClassVar = ["folder"]


class SeveralForm(PermittedFormMixin, forms.ModelForm):  # type: ignore[type-arg] # not at run time
    also_in = ScopedMultipleChoiceField(Folder.objects.all(), permission="testapp.view_folder")

    class Meta:
        model = Document
        fields: ClassVar = ["title"]


@pytest.fixture
def editor(owner: User, colleague: User, document: Document, told: list[Told]) -> User:
    share(owner, document, colleague, ["view", "change"])
    told.clear()
    return colleague


def test_who_may_change_a_field_changes_it(owner: User, document: Document) -> None:
    form = TitleForm({"title": "New"}, instance=document, user=owner)
    assert form.is_valid()
    form.save()
    document.refresh_from_db()
    assert document.title == "New"


def test_who_may_not_change_a_field_sees_it_disabled_and_saves_the_rest(editor: User, document: Document) -> None:
    form = TitleForm({}, instance=document, user=editor)
    assert "disabled" in str(form["title"])
    assert "Plan A" in str(form["title"])
    assert form.is_valid()


def test_a_forged_post_of_a_field_changes_nothing_and_is_told(
    editor: User, document: Document, told: list[Told]
) -> None:
    form = TitleForm({"title": "Stolen"}, instance=document, user=editor)
    assert not form.is_valid()
    assert form.has_error("__all__", "withheld_field")
    assert document.title == "Plan A"
    assert [(each.name, each.target, each.outcome, each.details) for each in told] == [
        ("access_refused", document, "denied", {"permission": "testapp.delete_document"})
    ]


def test_who_may_not_see_a_field_has_a_form_without_it(editor: User, owner: User, document: Document) -> None:
    assert "title" in HidingForm(instance=document, user=owner).fields
    assert "Plan A" not in HidingForm(instance=document, user=editor).as_div()


def test_a_forged_post_of_a_hidden_field_is_told_too(editor: User, document: Document, told: list[Told]) -> None:
    form = HidingForm({"title": "Stolen"}, instance=document, user=editor)
    assert not form.is_valid()
    assert document.title == "Plan A"
    assert [each.name for each in told] == ["access_refused"]


def test_a_form_without_a_user_can_not_be_made(document: Document) -> None:
    with pytest.raises(TypeError):
        TitleForm(instance=document)


@pytest.fixture
def reader(stranger: User, folder: Folder) -> User:
    assign_role_as_system("testapp.folder_reader", stranger, folder, reason="test")
    return stranger


@pytest.mark.asvs("8.2.2")
@pytest.mark.parametrize(("form_class", "name"), [(FilingForm, "folder"), (SeveralForm, "also_in")])
def test_one_chooses_among_what_one_may_see(
    form_class: Any, name: str, reader: User, folder: Folder, document: Document, told: list[Told]
) -> None:
    hidden = Folder.objects.create(name="Secret plans")
    with queries() as asked:
        page = str(form_class(instance=document, user=reader)[name])
    assert len(asked) == 1
    assert "Plans" in page
    assert "Secret plans" not in page
    several = form_class is SeveralForm
    posted = {"title": "x", name: [folder.pk] if several else folder.pk}
    assert form_class(posted, instance=document, user=reader).is_valid()
    for forged in (hidden.pk, "nonsense", "0198c0de-0000-7000-8000-000000000000"):
        told.clear()
        posted[name] = [forged] if several else forged
        form = form_class(posted, instance=document, user=reader)
        assert not form.is_valid(), forged
        assert [(each.name, each.details) for each in told] == [
            ("access_refused", {"permission": "testapp.view_folder"})
        ]


def test_without_a_user_nothing_is_offered(folder: Folder) -> None:
    class Careless(forms.Form):
        folder = ScopedChoiceField(Folder.objects.all(), permission="testapp.view_folder")

    assert "Plans" not in str(Careless()["folder"])
    assert not Careless({"folder": folder.pk}).is_valid()
