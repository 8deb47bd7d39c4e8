"""Check and load what was uploaded and waits. The pages start it; a timer may, too."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from sightline.web.work import running


class Command(BaseCommand):
    help = "Checks and loads the uploads that wait, then ends."

    def handle(self, *args: Any, **options: Any) -> None:
        running.reap()
        done = running.work()
        self.stdout.write(f"{done} worked on." if done else "Nothing waits.")
