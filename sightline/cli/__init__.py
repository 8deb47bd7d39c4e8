"""The command line: `sightline`."""

from sightline.cli import check, evaluate, exceptions, fetch, match  # noqa: F401  Importing registers the command.
from sightline.cli.app import main

__all__ = ["main"]
