"""What a template may show: the same decision, and one query for a page."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template import Context, Template
from django.test import RequestFactory

from apps.accounts.models import User
from apps.rbac import memo
from apps.rbac.sharing import share
from tests.rbac.conftest import queries
from tests.testapp.models import Document

ONE = Template('{% load rbac %}{% can "testapp.change_document" document as ok %}{% if ok %}edit{% endif %}')
ALL = Template(
    '{% load rbac %}{% canall "testapp.change_document" page as editable %}'
    '{% for each in page %}{% can "testapp.change_document" each as ok %}'
    "{% if ok %}{{ each }}{% endif %}{% if each.pk in editable %}!{% endif %}{% endfor %}"
)


def rendered(template: Template, user: User | AnonymousUser, **values: object) -> str:
    request = RequestFactory().get("/")
    request.user = user
    return template.render(Context({"request": request, **values}))


def test_a_button_is_shown_to_who_may_use_it(owner: User, colleague: User, document: Document) -> None:
    share(owner, document, colleague, "view")
    assert rendered(ONE, owner, document=document) == "edit"
    assert rendered(ONE, colleague, document=document) == ""
    assert rendered(ONE, AnonymousUser(), document=document) == ""


def test_a_permission_for_everything_needs_no_object(administrator: User, stranger: User) -> None:
    template = Template('{% load rbac %}{% can "rbac.manage" as ok %}{{ ok }}')
    assert rendered(template, administrator) == "True"
    assert rendered(template, stranger) == "False"


def test_a_page_of_objects_is_one_query(owner: User, document: Document) -> None:
    other = Document.objects.create(title="Plan B")
    with memo.remembering(), queries() as asked:
        assert rendered(ALL, owner, page=[document, other]) == "Plan A!"
    assert len(asked) == 1


def test_a_template_without_a_request_fails_loudly(db: None) -> None:
    with pytest.raises(KeyError):
        ONE.render(Context({}))
