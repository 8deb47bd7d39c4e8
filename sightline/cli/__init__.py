"""The command line: `sightline`."""

from sightline.cli import audit, check, clerical, dashboard, evaluate, exceptions, fetch, loads, match  # noqa: F401  Importing registers it.
from sightline.cli.app import main

__all__ = ["main"]
