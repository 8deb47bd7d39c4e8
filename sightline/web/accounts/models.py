"""Members of staff who may sign in, and the invitations by which they came."""

from __future__ import annotations

from typing import ClassVar

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


class ProviderIdentity(models.Model):
    """One row per person per provider that signs them in: bound at the first sign-in, by issuer and subject."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="identities")
    issuer = models.CharField(max_length=200)
    subject = models.CharField(max_length=255)
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="one_person_per_subject"),
            models.UniqueConstraint(fields=["issuer", "user"], name="one_subject_per_person"),
        ]

    def __str__(self) -> str:
        return f"Identity {self.pk}"
