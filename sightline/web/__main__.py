"""`python -m sightline.web VERB`: Django's commands and ours (invite, verify_logs), on the home of SIGHTLINE_HOME."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sightline.web.settings")
    execute_from_command_line(["python -m sightline.web", *sys.argv[1:]])
