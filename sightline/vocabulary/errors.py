"""The errors Sightline shows to people. Everything else is a fault in the program."""

from __future__ import annotations

from collections.abc import Iterable


class SightlineError(Exception):
    """A refusal or failure a person can act on: one sentence, no record of a child in it."""

    exit_code = 1


class UnreadableFile(SightlineError):
    """The file cannot be read at all (empty, damaged, unknown kind, hostile). Nothing of it was kept."""

    exit_code = 3


class NotNeeded(UnreadableFile):
    """The file is of a kind that is known and not used. Nothing of it was kept, and nothing is wrong."""


class NothingHeld(SightlineError):
    """The question needs data that no snapshot holds yet."""

    exit_code = 4


class BadSetting(SightlineError):
    """A setting is unknown or its value is out of range."""

    exit_code = 5


class NotAllowed(SightlineError):
    """The person may not do this. The sentence is the one they read."""

    exit_code = 6


class StoreDamaged(SightlineError):
    """What is on disk is not what the manifest says it should be."""

    exit_code = 7


class Unreachable(SightlineError):
    """A service on the network could not be asked, or refused. What was received before is kept."""

    exit_code = 8


class CannotEstimate(SightlineError):
    """The data cannot answer: too few, no variation, or perfectly predicted. `names` are the columns at fault."""

    exit_code = 9

    def __init__(self, sentence: str, names: Iterable[str] = ()) -> None:
        super().__init__(sentence)
        self.names = tuple(names)
