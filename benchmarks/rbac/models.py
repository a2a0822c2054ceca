"""The same papers twice: protected by rbac, and by guardian as it comes (its generic tables) with nothing else."""

import uuid_utils.compat
from django.db import models

from apps.rbac.models import GroupShare, UserShare
from apps.rbac.querysets import ScopedQuerySet


class Folder(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    name = models.CharField(max_length=50)

    def __str__(self) -> str:
        return self.name


class Named(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    folder = models.ForeignKey(Folder, models.CASCADE)
    title = models.CharField(max_length=50)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.title


class Paper(Named):
    """Ours."""

    rbac_container = "folder"
    rbac_share_permission = "rbac_benchmark.change_paper"
    objects = ScopedQuerySet["Paper"].as_manager()


class PaperUserShare(UserShare):
    content_object = models.ForeignKey(Paper, models.CASCADE)


class PaperGroupShare(GroupShare):
    content_object = models.ForeignKey(Paper, models.CASCADE)


class Leaf(Named):
    """Guardian's."""
