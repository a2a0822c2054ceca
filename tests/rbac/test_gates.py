"""Fetched and checked in one step: what may not be viewed is as good as not there."""

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.test import RequestFactory

from apps.accounts.models import User
from apps.rbac.gates import access_or_404
from apps.rbac.policies import passed_gates
from apps.rbac.sharing import share
from tests.rbac.conftest import Told
from tests.testapp.models import Document

VIEW, CHANGE = "testapp.view_document", "testapp.change_document"


def asked_by(user: User) -> HttpRequest:
    request = RequestFactory().get("/")
    request.user = user
    return request


def test_the_gate_gives_the_object_and_remembers_that_it_was_passed(owner: User, document: Document) -> None:
    request = asked_by(owner)
    assert access_or_404(request, Document, str(document.pk), VIEW) == document
    assert passed_gates(request) == {(VIEW, str(document.pk))}


@pytest.mark.asvs("8.2.2")
def test_a_stranger_gets_the_same_404_for_what_is_there_and_what_is_not(
    stranger: User, document: Document, told: list[Told]
) -> None:
    answers = []
    for pk in (document.pk, "0198c0de-0000-7000-8000-000000000000", "nonsense"):
        with pytest.raises(Http404) as refused:
            access_or_404(asked_by(stranger), Document, pk, VIEW)
        answers.append(str(refused.value))
    assert len(set(answers)) == 1
    assert [(each.name, each.target, each.outcome, each.details) for each in told] == [
        ("access_refused", target, "denied", {"permission": VIEW}) for target in (document, None, None)
    ]


def test_who_may_view_but_not_change_gets_403(
    owner: User, colleague: User, document: Document, told: list[Told]
) -> None:
    share(owner, document, colleague, "view")
    told.clear()
    request = asked_by(colleague)
    with pytest.raises(PermissionDenied):
        access_or_404(request, Document, document.pk, CHANGE)
    assert [(each.name, each.target, each.details) for each in told] == [
        ("access_refused", document, {"permission": CHANGE})
    ]
    assert passed_gates(request) == set()


@pytest.mark.parametrize("pk", ["", "1", "'; DROP TABLE", "../..", "\x00", None, 2**70, [], "x" * 10_000])
def test_a_malformed_key_is_not_found(owner: User, pk: object) -> None:
    with pytest.raises(Http404):
        access_or_404(asked_by(owner), Document, pk, VIEW)


@pytest.mark.parametrize("pk", ["x", 2**70, "", None, "9" * 5_000])
def test_a_malformed_number_is_not_found_either(owner: User, pk: object) -> None:
    with pytest.raises(Http404):
        access_or_404(asked_by(owner), Group, pk, "auth.view_group")


def test_the_gate_looks_only_in_the_queryset_that_it_is_given(owner: User, document: Document) -> None:
    with pytest.raises(Http404):
        access_or_404(asked_by(owner), Document.objects.filter(title="another"), document.pk, VIEW)
