"""Invite a person: an account, one role, and a link with which to choose a password."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sightline.vocabulary.errors import BadSetting
from sightline.web.accounts.inviting import INVITATION_DAYS, invite
from sightline.web.authz.matrix import ROLES, SCOPES


class Command(BaseCommand):
    help = "Invites a person to one role. Prints the path of a link that works once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--username", required=True)
        parser.add_argument("--name", required=True)
        parser.add_argument("--role", required=True, choices=sorted(ROLES))
        parser.add_argument("--scope", required=True, choices=sorted(SCOPES))
        parser.add_argument("--over", default="", help="the team's, school's (URN), trust's or worker's reference")
        parser.add_argument("--by", required=True, help="who decided")
        parser.add_argument("--reason", required=True)
        parser.add_argument("--until", type=date.fromisoformat, default=None, help="first day without the role")

    def handle(self, *args: Any, **options: Any) -> None:
        names = ("email", "username", "name", "role", "scope", "over", "by", "reason")
        try:
            path = invite(**{name: options[name] for name in names}, valid_to=options["until"])
        except BadSetting as why:
            raise CommandError(str(why)) from why
        self.stdout.write(f"The link works once, within {INVITATION_DAYS} days: {path}")
