"""What `manage.py check` must find, and the middleware refuse."""

from django.urls import include, path

from apps.rbac.policies import login, perm, policy, policy_include, public
from tests.rbac.pages import (  # noqa: F401 - Django looks for the handlers here
    Foreign,
    NotPolicyView,
    answer,
    handler403,
    handler404,
    handler500,
)

nested = [path("deep/", include([path("undeclared/", answer, name="undeclared")]))]
closed = Foreign()

urlpatterns = [
    path("nested/", include((nested, "nested"))),
    path("class/", NotPolicyView.as_view()),
    path("misspelled/", policy(perm("testapp.veiw_document"))(lambda request: answer(request))),
    path("nobodys/", policy(perm("testapp.delete_folder"))(lambda request: answer(request))),
    path("misnamed/<key>/", policy(perm("testapp.view_document", on="pk"))(lambda request, key: answer(request))),
    path("closed/", policy_include(([path("desk/", closed.desk)], "closed"), public(reason="it says so"))),
    path("fine/<int:pk>/", policy(perm("testapp.view_document", on="pk"))(lambda request, pk: answer(request))),
    path("login/", policy(login())(lambda request: answer(request))),
]
