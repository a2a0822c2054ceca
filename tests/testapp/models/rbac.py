"""A document in a folder: what a protected model with a container looks like, in as few lines as it takes."""

from typing import ClassVar

import uuid_utils.compat
from django.db import models

from apps.rbac.models import GroupShare, UserShare
from apps.rbac.querysets import ScopedQuerySet

__all__ = ["Document", "DocumentGroupShare", "DocumentUserShare", "Folder"]


class Folder(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    name = models.CharField(max_length=50)

    objects = ScopedQuerySet["Folder"].as_manager()

    def __str__(self) -> str:
        return self.name


class Document(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    folder = models.ForeignKey(Folder, models.CASCADE, null=True, related_name="documents")
    title = models.CharField(max_length=50)

    rbac_container = "folder"
    objects = ScopedQuerySet["Document"].as_manager()

    class Meta:
        permissions: ClassVar = [("share_document", "Can share document")]

    def __str__(self) -> str:
        return self.title


class DocumentUserShare(UserShare):
    content_object = models.ForeignKey(Document, models.CASCADE)


class DocumentGroupShare(GroupShare):
    content_object = models.ForeignKey(Document, models.CASCADE)
