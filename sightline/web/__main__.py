"""`python -m sightline.web VERB [--home DIR]`: serve the pages, invite a person, verify the logs.

`serve` starts the application. Every other verb is a command of Django's or of ours (`invite`, `verify_logs`).
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from sightline.vocabulary.errors import SightlineError
from sightline.web.demonstration import create_demonstration_accounts
from sightline.web.serving import SETTINGS, aside, check_safe, prepare, serve


def main(arguments: list[str]) -> int:
    """Run one verb; returns the exit code. A refusal is one sentence, never a traceback."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--home", type=Path, default=None, help="the folder of the authority")
    known, rest = common.parse_known_args(arguments)
    home = known.home or Path(os.environ.get("SIGHTLINE_HOME") or "sightline-data")
    os.environ["SIGHTLINE_HOME"] = str(home)
    try:
        if rest[:1] == ["serve"]:
            _serve(home, rest[1:])
        else:
            os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)
            from django.core.management import execute_from_command_line

            execute_from_command_line(["python -m sightline.web", *rest])
    except SightlineError as refusal:
        print(refusal, file=sys.stderr)
        return refusal.exit_code
    return 0


def _serve(home: Path, arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m sightline.web serve", description="Serve the pages.")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at")
    parser.add_argument("--port", type=int, default=8000, help="the port to listen at")
    parser.add_argument("--workers", type=int, default=2, help="processes that answer")
    parser.add_argument(
        "--demonstration", action="store_true", help="on invented data, at 127.0.0.1: one account for each role"
    )
    chosen = parser.parse_args(arguments)
    if chosen.demonstration:
        prepare(home, demonstration=True)
        check_safe(chosen.host)
        rows = aside(create_demonstration_accounts, home)
        wide = max(len(name) for name, _, _ in rows)
        print("Accounts of the demonstration (passwords are made anew at each start):")
        for name, password, role in rows:
            print(f"  {name:<{wide}}  {password}  {role}")
    print(f"Serving on http://{chosen.host}:{chosen.port} (stop with Ctrl-C)", flush=True)
    serve(home, chosen.host, chosen.port, demonstration=chosen.demonstration, workers=chosen.workers)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
