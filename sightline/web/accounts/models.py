"""Members of staff who may sign in, and the invitations by which they came."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """One row per person who may sign in. What they may see is in their grants, never here."""

    email = models.EmailField("email address", unique=True)
    demonstration = models.BooleanField(default=False, help_text="Made by the demonstration; refused outside it")

    REQUIRED_FIELDS = ("email",)

    @property
    def called(self) -> str:
        return self.get_full_name() or self.username


class Invitation(models.Model):
    """One row per invitation. The link holds the token; only its hash is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="invitations")
    token_hash = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"Invitation {self.pk}"
