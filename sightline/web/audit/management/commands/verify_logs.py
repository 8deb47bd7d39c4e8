"""Read the logs through and say whether any entry was changed or taken away."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from sightline.web.audit import heads
from sightline.web.audit.models import LOGS, AccessEntry, Purge


class Command(BaseCommand):
    help = "Verifies the logs of access, change and security; fails when an entry is not as it was written."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--noted",
            action="append",
            default=[],
            metavar="HASH",
            help="a last hash noted earlier, which must still be in a log: shows whether entries after it were cut off",
        )

        parser.add_argument(
            "--note", action="store_true", help="note the last hashes in the home, which must be there the next time"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if AccessEntry._meta.db_table not in connection.introspection.table_names():
            raise CommandError("There is no log yet: the application has not been started for this home.")
        verdicts = [log.verify() for log in LOGS]
        broken = [f"{v.log}: {v.why}" for v in verdicts if not v.whole]
        for noted in options["noted"]:
            held = any(log.objects.filter(hash=noted).exists() for log in LOGS)
            if not held and not Purge.objects.filter(last_hash=noted).exists():
                broken.append(
                    f"The noted hash {noted[:12]} is in no log: entries were cut off, or it is not one of ours."
                )
        for v in verdicts:
            if v.whole:
                self.stdout.write(f"{v.log}: {v.entries:,} entries, whole, last hash {v.head}")
        if broken:
            raise CommandError(" ".join(broken))
        if options["note"]:
            heads.note(anyway=True)
