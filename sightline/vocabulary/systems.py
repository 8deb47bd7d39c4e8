"""What the systems that send files are like."""

from __future__ import annotations

from typing import Final

# Systems whose files tell of some children only (those changed since the last, or those who move): that a later file
# does not show a plan or a registration says nothing about it.
PARTIAL_SYSTEMS: Final = ("csc-api", "ctf")
