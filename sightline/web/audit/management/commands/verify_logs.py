"""Read both logs through and say whether any entry was changed or taken away."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sightline.web.audit.models import LOGS


class Command(BaseCommand):
    help = "Verifies the access log and the security log; fails when an entry is not as it was written."

    def handle(self, *args: Any, **options: Any) -> None:
        broken = []
        for log in LOGS:
            verdict = log.verify()
            if verdict.whole:
                self.stdout.write(f"{verdict.log}: {verdict.entries:,} entries, whole, last hash {verdict.head}")
            else:
                broken.append(f"{verdict.log}: {verdict.why}")
        if broken:
            raise CommandError(" ".join(broken))
