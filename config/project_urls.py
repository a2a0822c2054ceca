"""Yours: the addresses of your apps, whose views declare who may call them."""

from django import urls

urlpatterns: list[urls.URLPattern | urls.URLResolver] = [
    urls.path("records/", urls.include("apps.records.urls")),  # the sample
]
