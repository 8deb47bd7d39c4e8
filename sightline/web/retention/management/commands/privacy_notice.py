"""Print the privacy notice for families as plain text, headings marked as in Markdown."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from sightline.web.pages.privacy import sections


class Command(BaseCommand):
    help = "Prints a privacy notice for families, drafted from what this home is set to do."

    def handle(self, *args: Any, **options: Any) -> None:
        for section in sections():
            self.stdout.write(f"# {section.title}\n")
            for paragraph in section.paragraphs:
                self.stdout.write(f"{paragraph}\n")
            for item in section.items:
                self.stdout.write(f"- {item}")
            self.stdout.write("")
