"""The three logs, and how the entries that speak of a child are found.

No foreign keys, so an entry outlives what it speaks of; no update, and no delete but of entries that a recorded purge
covers, by trigger.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import UTC
from itertools import islice
from typing import Any, ClassVar, Self

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models, transaction
from django.utils import timezone

from sightline.web.audit import heads

START = "0" * 64
_BATCH = 2000


@dataclass(frozen=True, slots=True)
class Verdict:
    """One log read through: how many entries, its last hash, and the first entry that is not as it was written."""

    log: str
    entries: int
    head: str
    broken_at: int | None
    why: str = ""

    @property
    def whole(self) -> bool:
        return self.broken_at is None


class Entry(models.Model):
    """One row per event. `hash` covers every field and the hash before it."""

    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=150, blank=True)
    session_hash = models.CharField(max_length=64, blank=True)
    address = models.CharField(max_length=45, blank=True)
    request_id = models.CharField(max_length=32, blank=True)
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"Entry {self.pk}"

    @classmethod
    def append(cls, **fields: Any) -> Self:
        """Write one entry at the end of the chain."""
        with transaction.atomic():
            if connection.vendor == "postgresql":
                # One writer at a time, to the end of the transaction: two entries must not share a predecessor.
                # (On SQLite the transaction itself, begun IMMEDIATE, holds the only lock there is.)
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [cls._meta.db_table])
            last = cls.objects.order_by("-pk").values_list("hash", flat=True).first()
            entry = cls(at=timezone.now(), previous=last or cls._before()[0], **fields)
            entry.hash = entry.computed_hash()
            entry.save(force_insert=True)
            entry.index()
            transaction.on_commit(heads.note)
        return entry

    def index(self) -> None:
        """Write, with the entry, how it is found."""

    @classmethod
    def _before(cls) -> tuple[str, int, bool]:
        """What the chain starts from: the hash and id of the last entry purged, and whether that purge was recorded."""
        purge = Purge.objects.filter(log=cls._meta.db_table).order_by("-last_entry").first()
        return (START, 0, True) if purge is None else (purge.last_hash, purge.last_entry, purge.recorded())

    def computed_hash(self) -> str:
        held = {
            f.attname: getattr(self, f.attname) for f in self._meta.concrete_fields if f.attname not in {"id", "hash"}
        }
        held["at"] = self.at.astimezone(UTC).isoformat(timespec="microseconds")
        text = json.dumps(held, sort_keys=True, cls=DjangoJSONEncoder, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @classmethod
    def verify(cls) -> Verdict:
        """Read the whole log, from where the latest purge ended, recompute every hash, and look for what was noted.

        A purge counts only when the security log says that it was made: see `audit.purge`.
        """
        before, last_id, recorded = cls._before()
        purged_to = last_id
        count = 0
        name = str(cls._meta.verbose_name)
        if not recorded:
            return Verdict(name, 0, before, last_id, f"The purge up to entry {last_id} is not in the security log.")
        for entry in cls.objects.order_by("pk").iterator(chunk_size=_BATCH):
            if entry.pk <= last_id and not count:
                return Verdict(name, 0, before, entry.pk, f"Entry {entry.pk} should have been purged.")
            count += 1
            if entry.previous != before:
                return Verdict(name, count, before, entry.pk, f"Entries are missing between {last_id} and {entry.pk}.")
            if entry.hash != entry.computed_hash():
                return Verdict(name, count, before, entry.pk, f"Entry {entry.pk} was changed.")
            before, last_id = entry.hash, entry.pk
        cut = heads.cut_off(cls, purged_to)
        if cut is not None:
            return Verdict(name, count, before, *cut)
        return Verdict(name, count, before, None)


class AccessEntry(Entry):
    """One row per showing of children to a person, or refusal to show them."""

    role = models.CharField(max_length=40, blank=True)
    grants = models.JSONField(default=list)
    action = models.CharField(max_length=20)
    child_ids = models.JSONField(default=list)
    field_classes = models.JSONField(default=list)
    page = models.CharField(max_length=60, blank=True)
    purpose = models.CharField(max_length=200, blank=True)
    outcome = models.CharField(max_length=20)

    class Meta(Entry.Meta):
        abstract = False
        verbose_name = "access log"
        verbose_name_plural = "access log"
        # Refusals are looked up by the child that was asked for.
        indexes: ClassVar = [
            models.Index(fields=["purpose"], condition=models.Q(outcome="refused"), name="access_refused_purpose"),
            models.Index(fields=["at", "actor_id"], name="access_at"),
        ]

    def index(self) -> None:
        shown = [ShownChild(entry=self.pk, child_id=child) for child in dict.fromkeys(self.child_ids)]
        ShownChild.objects.bulk_create(shown)

    @classmethod
    def verify(cls) -> Verdict:
        """Read the whole log, recompute every hash, and compare the finding of entries by child with the entries."""
        verdict = super().verify()
        if not verdict.whole:
            return verdict
        children = 0
        entries = iter(cls.objects.order_by("pk").values_list("pk", "child_ids").iterator(chunk_size=_BATCH))
        while batch := list(islice(entries, _BATCH)):
            found: dict[int, set[str]] = {}
            rows = ShownChild.objects.filter(entry__gte=batch[0][0], entry__lte=batch[-1][0])
            for pk, child in rows.values_list("entry", "child_id").iterator(chunk_size=_BATCH):
                found.setdefault(pk, set()).add(child)
            for pk, child_ids in batch:
                children += len(set(child_ids))
                if set(child_ids) != found.get(pk, set()):
                    return replace(verdict, broken_at=pk, why=f"Entry {pk} is not found by the children it speaks of.")
        first = cls.objects.order_by("pk").values_list("pk", flat=True).first()
        purged = Purge.objects.filter(log=cls._meta.db_table).order_by("-last_entry").first()
        beyond = ShownChild.objects.filter(entry__gt=purged.last_entry) if purged is not None else ShownChild.objects
        if beyond.count() != children or (first is not None and ShownChild.objects.filter(entry__lt=first).exists()):
            return replace(verdict, broken_at=0, why="Children lead to entries that do not speak of them.")
        return verdict


class ShownChild(models.Model):
    """One row per child per entry of the access log: how the entries that speak of a child are found."""

    entry = models.BigIntegerField()
    child_id = models.CharField(max_length=64)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["child_id", "entry"], name="shown_child_entry"),
            models.Index(fields=["entry"], name="shown_entry"),
        ]

    def __str__(self) -> str:
        return f"Entry {self.entry}"


class SecurityEntry(Entry):
    """One row per sign-in, refusal, or change of password, factor or grant."""

    event = models.CharField(max_length=60)
    detail = models.CharField(max_length=200, blank=True)

    class Meta(Entry.Meta):
        abstract = False
        verbose_name = "security log"
        verbose_name_plural = "security log"
        indexes: ClassVar = [models.Index(fields=["at"], name="security_at")]


class ChangeEntry(Entry):
    """One row per change a person made: to a grant, a restriction, a setting, a decision. `before` and `after` hold the
    fields that changed."""

    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=120)
    child_ids = models.JSONField(default=list)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    purpose = models.CharField(max_length=300, blank=True)

    class Meta(Entry.Meta):
        abstract = False
        verbose_name = "change log"
        verbose_name_plural = "change log"
        indexes: ClassVar = [models.Index(fields=["at"], name="change_at")]


class SampledView(models.Model):
    """One row per answer about one entry of a month's sample: what reviewing it found. The newest of an entry holds. It
    names no child, and outlives the entry it speaks of."""

    class Outcome(models.TextChoices):
        IN_ORDER = "in order", "In order"
        EXPLAINED = "explained", "Explained when asked"
        NOT_IN_ORDER = "not in order", "Not in order: passed on"

    month = models.DateField()
    entry = models.BigIntegerField()
    outcome = models.CharField(max_length=20, choices=Outcome.choices)
    note = models.CharField(max_length=300, blank=True)
    by = models.CharField(max_length=150)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["entry"], name="sampled_entry")]

    def __str__(self) -> str:
        return f"Entry {self.entry}"


class Purge(models.Model):
    """One row per purge of one log: entries up to `last_entry` are past their retention and were taken away; the chain
    goes on from `last_hash`. The database lets nothing else be deleted, and no purge of what is younger than a year."""

    log = models.CharField(max_length=60)
    last_entry = models.BigIntegerField()
    last_hash = models.CharField(max_length=64)
    last_at = models.DateTimeField()
    entries = models.BigIntegerField()
    made_at = models.DateTimeField(auto_now_add=True)
    made_by = models.CharField(max_length=150)

    def __str__(self) -> str:
        return f"Purge {self.pk}"

    def said(self) -> str:
        """How the security log speaks of it."""
        return f"{self.log} to entry {self.last_entry} {self.last_hash}"

    def recorded(self) -> bool:
        later = Purge.objects.filter(log=SecurityEntry._meta.db_table, last_at__gte=self.made_at)
        return SecurityEntry.objects.filter(event=PURGED, detail=self.said()).exists() or later.exists()


PURGED = "log purged"
LOGS: tuple[type[AccessEntry] | type[ChangeEntry] | type[SecurityEntry], ...] = (
    AccessEntry,
    ChangeEntry,
    SecurityEntry,
)
