"""What the systems that send files are like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Systems whose files tell of some children only (those changed since the last, or those who move): that a later file
# does not show a plan or a registration says nothing about it.
PARTIAL_SYSTEMS: Final = ("csc-api", "ctf")
SYSTEMS: Final[Mapping[str, str]] = {
    "cin-census": "CIN census",
    "ssd": "social care extract",
    "school-census": "school census",
    "marks": "attendance marks",
    "suspensions": "suspensions",
    "wonde": "attendance from school systems",
    "annex-a": "Annex A workbook",
    "csc-api": "social care payload",
    "ssda903": "looked after return",
    "early-help": "Early Help list",
    "youth-justice": "youth justice list",
    "education-registers": "education registers",
    "attainment": "attainment",
    "ctf": "Common Transfer Files",
    "school-roll": "school rolls",
    "gias": "register of schools",
    "localities": "list of localities",
    "national": "national figures",
}
"""Each system that sends, as people call it."""
