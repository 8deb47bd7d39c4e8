"""The small projection of facts that decides who may see whom, and the grants and restrictions that people make.

Every child here is one a social care source knows, or who has or had Early Help; nothing else of a record is held here.
Facts themselves stay in the store, and are reached through `sightline.web.facts` with a scope made from these tables.
"""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from sightline.vocabulary.tables import Sensitivity
from sightline.web.authz.matrix import ROLES, Role

# Which class each field of these tables is in: a test fails on a field that is not named here.
SENSITIVITY: dict[str, Sensitivity] = {
    "Child.public_id": Sensitivity.PLAIN,
    "Child.child_id": Sensitivity.IDENTITY,
    "Child.held": Sensitivity.PLAIN,
    "Allocation.child": Sensitivity.IDENTITY,
    "Allocation.worker_ref": Sensitivity.STAFF,
    "Allocation.worker_name": Sensitivity.STAFF,
    "Allocation.team_ref": Sensitivity.STAFF,
    "Allocation.team_name": Sensitivity.STAFF,
    "Allocation.start_date": Sensitivity.CARE_STATUS,
    "Allocation.end_date": Sensitivity.CARE_STATUS,
    "Enrolment.child": Sensitivity.IDENTITY,
    "Enrolment.urn": Sensitivity.EDUCATION,
    "Enrolment.start_date": Sensitivity.EDUCATION,
    "Enrolment.end_date": Sensitivity.EDUCATION,
    "PlanPeriod.child": Sensitivity.IDENTITY,
    "PlanPeriod.status": Sensitivity.CARE_STATUS,
    "PlanPeriod.start_date": Sensitivity.CARE_STATUS,
    "PlanPeriod.end_date": Sensitivity.CARE_STATUS,
    "Review.child": Sensitivity.IDENTITY,
    "Review.worker_ref": Sensitivity.STAFF,
    "Review.start_date": Sensitivity.CARE_STATUS,
    "Review.end_date": Sensitivity.CARE_STATUS,
    "NamedReview.child": Sensitivity.IDENTITY,
    "NamedReview.worker_ref": Sensitivity.STAFF,
    "NamedReview.start_date": Sensitivity.CARE_STATUS,
    "NamedReview.end_date": Sensitivity.CARE_STATUS,
    "NamedReview.made_by": Sensitivity.STAFF,
    "NamedReview.reason": Sensitivity.CARE_DETAIL,
    "EarlyHelp.child": Sensitivity.IDENTITY,
    "EarlyHelp.start_date": Sensitivity.CARE_STATUS,
    "EarlyHelp.end_date": Sensitivity.CARE_STATUS,
    "School.urn": Sensitivity.PLAIN,
    "School.name": Sensitivity.PLAIN,
    "School.trust_ref": Sensitivity.PLAIN,
    "School.trust_name": Sensitivity.PLAIN,
    "Projection.snapshot": Sensitivity.PLAIN,
    "Projection.as_at": Sensitivity.PLAIN,
    "Projection.made_at": Sensitivity.PLAIN,
    "Grant.user": Sensitivity.STAFF,
    "Grant.role": Sensitivity.STAFF,
    "Grant.scope": Sensitivity.STAFF,
    "Grant.team_ref": Sensitivity.STAFF,
    "Grant.urn": Sensitivity.STAFF,
    "Grant.trust_ref": Sensitivity.STAFF,
    "Grant.worker_ref": Sensitivity.STAFF,
    "Grant.valid_from": Sensitivity.STAFF,
    "Grant.valid_to": Sensitivity.STAFF,
    "Grant.granted_by": Sensitivity.STAFF,
    "Grant.reason": Sensitivity.STAFF,
    "Grant.break_glass": Sensitivity.STAFF,
    "Grant.confirmed_at": Sensitivity.STAFF,
    "Grant.confirmed_by": Sensitivity.STAFF,
    **{
        f"ProposedGrant.{name}": Sensitivity.STAFF
        for name in (
            "user",
            "role",
            "scope",
            "over",
            "valid_from",
            "valid_to",
            "reason",
            "break_glass",
            "proposed_by",
            "proposed_at",
            "decided_by",
            "decided_at",
            "approved",
        )
    },
    "BrokenGlass.user": Sensitivity.STAFF,
    "BrokenGlass.child": Sensitivity.IDENTITY,
    "BrokenGlass.at": Sensitivity.STAFF,
    "BrokenGlass.ends_at": Sensitivity.STAFF,
    "BrokenGlass.reason": Sensitivity.CARE_DETAIL,
    "BrokenGlass.seen_by": Sensitivity.STAFF,
    "BrokenGlass.seen_at": Sensitivity.STAFF,
    "Restriction.child": Sensitivity.IDENTITY,
    "Restriction.kind": Sensitivity.CARE_DETAIL,
    "Restriction.users": Sensitivity.STAFF,
    "Restriction.valid_from": Sensitivity.STAFF,
    "Restriction.valid_to": Sensitivity.STAFF,
    "Restriction.reason": Sensitivity.CARE_DETAIL,
    "Restriction.made_by": Sensitivity.STAFF,
}


class ScopeKind(models.TextChoices):
    AUTHORITY = "authority", "every child of the authority"
    TEAM = "team", "children of one team"
    SCHOOL = "school", "children on one school's roll"
    TRUST = "trust", "children on the rolls of one trust's schools"
    OWN = "own", "children allocated to one worker"
    REVIEWING = "reviewing", "children whom one reviewing officer reviews"
    EARLY_HELP = "early help", "children with Early Help"
    NOBODY = "nobody", "no child"


class Child(models.Model):
    """One row per child any snapshot held. `public_id` is the only name of a child in an address."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    child_id = models.CharField(max_length=64, unique=True)
    held = models.BooleanField(default=True, help_text="Held by the snapshot in use")

    def __str__(self) -> str:
        return str(self.public_id)


class _Period(models.Model):
    """One row per period, closed-open: `end_date` is the first day out, and empty while open."""

    start_date = models.DateField(null=True)
    end_date = models.DateField(null=True)

    class Meta:
        abstract = True


class Allocation(_Period):
    """One row per period in which one worker was a child's allocated social worker."""

    child = models.ForeignKey(Child, on_delete=models.CASCADE, related_name="allocations")
    worker_ref = models.CharField(max_length=200, blank=True)
    worker_name = models.CharField(max_length=300, blank=True)
    team_ref = models.CharField(max_length=200, blank=True)
    team_name = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["worker_ref"]), models.Index(fields=["team_ref"])]

    def __str__(self) -> str:
        return f"Allocation {self.pk}"


class Enrolment(_Period):
    """One row per child per school per unbroken registration."""

    child = models.ForeignKey(Child, on_delete=models.CASCADE, related_name="enrolments")
    urn = models.CharField(max_length=60)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["urn"])]

    def __str__(self) -> str:
        return f"Enrolment {self.pk}"


class PlanPeriod(_Period):
    """One row per child per unbroken period of one status."""

    child = models.ForeignKey(Child, on_delete=models.CASCADE, related_name="plan_periods")
    status = models.CharField(max_length=40)

    def __str__(self) -> str:
        return f"Plan period {self.pk}"


class Review(_Period):
    """One row per period in which one reviewing officer reviewed a child, as a care system sent it."""

    child = models.ForeignKey(Child, on_delete=models.CASCADE, related_name="reviews")
    worker_ref = models.CharField(max_length=200)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["worker_ref"], name="review_worker")]

    def __str__(self) -> str:
        return f"Review {self.pk}"


class NamedReview(_Period):
    """One row per child named, by a person, as one reviewing officer's: where no care system sends it. Kept from
    snapshot to snapshot."""

    child = models.ForeignKey(Child, on_delete=models.CASCADE, related_name="named_reviews")
    worker_ref = models.CharField(max_length=200)
    made_by = models.CharField(max_length=150)
    reason = models.CharField(max_length=300)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["worker_ref"], name="named_review_worker")]

    def __str__(self) -> str:
        return f"Named review {self.pk}"


class EarlyHelp(_Period):
    """One row per episode of Early Help, whether or not social care has ever known the child."""

    child = models.ForeignKey(Child, on_delete=models.CASCADE, related_name="early_help")

    def __str__(self) -> str:
        return f"Early Help {self.pk}"


class School(models.Model):
    """One row per school of the register of schools, with the trust it belongs to in its newest file."""

    urn = models.CharField(max_length=60, primary_key=True)
    name = models.CharField(max_length=300, blank=True)
    trust_ref = models.CharField(max_length=60, blank=True, db_index=True)
    trust_name = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return self.name or self.urn


class Projection(models.Model):
    """One row: which snapshot the tables above were made from. Pages read facts of that snapshot and no other."""

    snapshot = models.CharField(max_length=100)
    as_at = models.DateField()
    made_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.snapshot


class Grant(models.Model):
    """One row per role given to a person over a scope, between dates (`valid_to` is the first day without it)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="grants")
    role = models.CharField(max_length=40, choices=[(r.key, r.name) for r in ROLES.values()])
    scope = models.CharField(max_length=20, choices=ScopeKind.choices)
    team_ref = models.CharField(max_length=200, blank=True)
    urn = models.CharField(max_length=60, blank=True)
    trust_ref = models.CharField(max_length=60, blank=True)
    worker_ref = models.CharField(max_length=200, blank=True)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    granted_by = models.CharField(max_length=150)
    reason = models.CharField(max_length=300)
    break_glass = models.BooleanField(default=False)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    confirmed_by = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints: ClassVar = [
            # A scope names what it is over, so that an empty name never stands for everything.
            models.CheckConstraint(
                name="grant_names_its_scope",
                condition=(
                    models.Q(scope__in=["authority", "early help", "nobody"])
                    | (models.Q(scope="team") & ~models.Q(team_ref=""))
                    | (models.Q(scope="school") & ~models.Q(urn=""))
                    | (models.Q(scope="trust") & ~models.Q(trust_ref=""))
                    | (models.Q(scope__in=["own", "reviewing"]) & ~models.Q(worker_ref=""))
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"Grant {self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.scope not in self.held_role.scopes:
            raise ValueError(f"The role {self.held_role.name} cannot be given over the scope {self.scope!r}.")
        super().save(*args, **kwargs)

    @property
    def held_role(self) -> Role:
        return ROLES[self.role]


class ProposedGrant(models.Model):
    """One row per grant one person has proposed, until another decides. `over` is the reference the scope is over."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="proposed_grants")
    role = models.CharField(max_length=40)
    scope = models.CharField(max_length=20)
    over = models.CharField(max_length=200, blank=True)
    valid_from = models.DateField()
    valid_to = models.DateField()
    reason = models.CharField(max_length=300)
    break_glass = models.BooleanField(default=False)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="grants_proposed_by_me"
    )
    proposed_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="grants_decided_by_me"
    )
    decided_at = models.DateTimeField(null=True)
    approved = models.BooleanField(null=True)

    class Meta:
        constraints: ClassVar = [
            # Two people: who decides is neither who proposed it nor who gets it; nobody proposes their own.
            models.CheckConstraint(
                name="two_people_give_a_grant",
                condition=models.Q(decided_by__isnull=True)
                | (~models.Q(decided_by=models.F("proposed_by")) & ~models.Q(decided_by=models.F("user"))),
            ),
            models.CheckConstraint(
                name="nobody_proposes_their_own_grant", condition=~models.Q(proposed_by=models.F("user"))
            ),
        ]

    def __str__(self) -> str:
        return f"Proposed grant {self.pk}"

    @property
    def held_role(self) -> Role:
        return ROLES[self.role]


class BrokenGlass(models.Model):
    """One row per record opened in an emergency by somebody outside whose scope the child is, until `ends_at`."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="broken_glass")
    child = models.ForeignKey(Child, on_delete=models.CASCADE, related_name="broken_glass")
    at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=300)
    seen_by = models.CharField(max_length=150, blank=True)
    seen_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["user", "ends_at"], name="broken_glass_open")]

    def __str__(self) -> str:
        return f"Broken glass {self.pk}"


class Restriction(models.Model):
    """One row per child hidden: from everybody (sealed), from named people (conflict of interest), or as to where they
    live (confidential address). Always wins over every grant."""

    class Kind(models.TextChoices):
        SEALED = "sealed", "Sealed"
        CONFLICT = "conflict", "Conflict of interest"
        ADDRESS = "address", "Confidential address"

    child = models.ForeignKey(Child, on_delete=models.CASCADE, related_name="restrictions")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    users = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="restrictions")
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    reason = models.CharField(max_length=300)
    made_by = models.CharField(max_length=150)

    def __str__(self) -> str:
        return f"Restriction {self.pk}"
