"""One row per choice of filters that a person keeps under a name: an address's query, and nothing it showed."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class SavedView(models.Model):
    """One row per view a person keeps. `query` holds filters alone, as an address holds them: no child, no figure."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    page = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    query = models.CharField(max_length=2000, blank=True)
    saved_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "page", "name"], name="one_view_of_a_name"),
        ]
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return f"View {self.pk}"
