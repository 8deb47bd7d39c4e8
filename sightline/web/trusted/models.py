"""Who a child's trusted adult at school is, and since when. Rows are ended and never written over."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from sightline.vocabulary.tables import Sensitivity
from sightline.web.people.models import Child

# Which class each field is in: a test fails on a field that is not named here. The adult's name is personal data of a
# member of staff, and whose adult it is says who the child is.
SENSITIVITY: dict[str, Sensitivity] = {
    "TrustedAdult.child": Sensitivity.IDENTITY,
    "TrustedAdult.whose": Sensitivity.EDUCATION,
    "TrustedAdult.name": Sensitivity.STAFF,
    "TrustedAdult.role": Sensitivity.STAFF,
    "TrustedAdult.urn": Sensitivity.EDUCATION,
    "TrustedAdult.start_date": Sensitivity.EDUCATION,
    "TrustedAdult.end_date": Sensitivity.EDUCATION,
    "TrustedAdult.made_by": Sensitivity.STAFF,
    "TrustedAdult.made_at": Sensitivity.STAFF,
    "TrustedAdult.ended_by": Sensitivity.STAFF,
}


class TrustedAdult(models.Model):
    """One row per child per adult named, at one school (`urn`; empty where the child is on no roll), for the child or
    for the parent. Closed-open: `end_date` is the first day without, empty while it holds."""

    class Whose(models.TextChoices):
        CHILD = "child", "The child’s"
        PARENT = "parent", "The parent’s"

    child = models.ForeignKey(Child, on_delete=models.CASCADE, related_name="trusted_adults")
    whose = models.CharField(max_length=10, choices=Whose.choices)
    name = models.CharField(max_length=200)
    role = models.CharField(max_length=200, blank=True)
    urn = models.CharField(max_length=60, blank=True)
    start_date = models.DateField()
    end_date = models.DateField(null=True)
    made_by = models.CharField(max_length=150)
    made_at = models.DateTimeField(auto_now_add=True)
    ended_by = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["child", "whose", "urn"],
                condition=models.Q(end_date__isnull=True),
                name="one_trusted_adult_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"Trusted adult {self.pk}"
