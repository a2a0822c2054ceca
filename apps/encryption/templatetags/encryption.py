"""`{% load encryption %}{% masked record "national_id" %}` shows a value as its mask does."""

from django import template

from apps.encryption.masks import shown

register = template.Library()
register.simple_tag(shown, name="masked")
