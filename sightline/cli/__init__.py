"""The command line: `sightline`."""

from sightline.cli import (  # noqa: F401  Importing registers the command.
    absence_lists,
    audit,
    backup,
    check,
    clerical,
    closures,
    dashboard,
    evaluate,
    exceptions,
    fetch,
    figures,
    loads,
    match,
    packs,
    registers_kept,
    retention,
    scope,
    self_review,
    senders,
    spot_checks,
    transfer,
    watched,
    youth_justice,
)
from sightline.cli.app import main

__all__ = ["main"]
