"""Which records are one child: deterministic passes, each link with its evidence, each doubt with its reason."""

from sightline.linkage.link import Links, link
from sightline.linkage.rate import match_rate

__all__ = ["Links", "link", "match_rate"]
