"""The command line: `sightline`."""

from sightline.cli.app import main

__all__ = ["main"]
