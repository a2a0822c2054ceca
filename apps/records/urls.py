from django.urls import path

from apps.records import views

app_name = "records"

# Ids are UUIDs by route: a malformed one finds no page (404) and never reaches the database.
urlpatterns = [
    path("", views.record_list, name="list"),
    path("find/", views.find, name="find"),
    path("new/", views.create, name="create"),
    path("<uuid:pk>/", views.detail, name="detail"),
    path("<uuid:pk>/edit/", views.edit, name="edit"),
    path("<uuid:pk>/delete/", views.delete, name="delete"),
    path("<uuid:pk>/reveal/", views.reveal_national_id, name="reveal"),
    path("<uuid:pk>/share/", views.share, name="share"),
    path("<uuid:pk>/share/<uuid:user_pk>/stop/", views.unshare, name="unshare"),
]
