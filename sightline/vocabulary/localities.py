"""The authority's own localities: what an area of its model can be, and what stands where no locality is known."""

from __future__ import annotations

from typing import Final

KINDS: Final = ("postcode", "lsoa", "sector", "ward", "district")
"""Kinds of area, in the order in which they place a home: of the areas of a model that it lies in, the first of these.
The most exact comes first: a postcode is a street, an LSOA some hundreds of homes, a sector and a ward some thousands,
a district more. The order is Sightline's own."""
OUTSIDE: Final = "none"
"""How a table says that a home lies in no area of the model."""
