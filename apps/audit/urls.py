from django.urls import path

from apps.audit import views

app_name = "audit"

urlpatterns = [
    path("", views.event_list, name="event_list"),
    path("days/", views.days, name="days"),
    path("days.svg", views.days, {"drawn": True}, name="drawing"),
    path("export/", views.export, name="export"),
    path("integrity/", views.integrity, name="integrity"),
    path("integrity/<int:size>/", views.checkpoint, name="checkpoint"),
    path("mine/", views.my_activity, name="my_activity"),
    path("by/<str:kind>/<path:key>/", views.actor, name="actor"),
    path("on/<str:kind>/<path:key>/", views.target, name="target"),
    path("<uuid:pk>/", views.event_detail, name="event_detail"),
    path("<uuid:pk>/proof/", views.proof, name="proof"),
]
