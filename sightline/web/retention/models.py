"""When the reasons for showing a child run out, projected from the snapshot in use."""

from __future__ import annotations

from django.db import models

from sightline.web.people.models import Child


class Clock(models.Model):
    """One row per child: the days from `cohort.clocks`, each the first one without. A child without a row is shown to
    nobody."""

    child = models.OneToOneField(Child, on_delete=models.CASCADE, primary_key=True, related_name="clock")
    closed_on = models.DateField(null=True)
    plan_ended = models.DateField(null=True)
    ever_6_until = models.DateField(null=True)

    def __str__(self) -> str:
        return f"Clock {self.pk}"
