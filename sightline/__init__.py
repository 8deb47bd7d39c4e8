"""Sightline: what a Virtual School needs to see how children with a social worker fare in education."""

__version__ = "0.1.0"
