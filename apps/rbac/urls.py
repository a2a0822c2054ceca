from django.urls import path

from apps.rbac import views

app_name = "rbac"

urlpatterns = [
    path("", views.roles, name="roles"),
    path("roles/<str:slug>/", views.role, name="role"),
    path("people/", views.people, name="people"),
    path("people/<str:pk>/", views.person, name="person"),
    path("on/<str:key>/", views.place, name="place"),
    path("explain/", views.explanation, name="explain"),
    path("give/", views.give, name="give"),
    path("revoke/<uuid:pk>/", views.revoke, name="revoke"),
    path("mine/", views.mine, name="mine"),
    path("mine/<str:slug>/drop/", views.drop, name="drop"),
]
