"""Take away the entries of the logs that are past their retention."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from sightline.web import audit


class Command(BaseCommand):
    help = "Purges entries of the logs older than the setting log_retention_years, and records that it did."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--by", required=True, help="who decided")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        years = settings.SIGHTLINE_CHOSEN.log_retention_years
        # 29 February is kept a day longer, not a day less.
        try:
            before = now.replace(year=now.year - years)
        except ValueError:
            before = now.replace(year=now.year - years, day=28)
        made = audit.purge(before=before, by=options["by"])
        for each in made:
            self.stdout.write(f"{each.log}: {each.entries:,} entries to {each.last_at:%Y-%m-%d} taken away")
        if not made:
            self.stdout.write(f"No entry is older than {years} years.")
