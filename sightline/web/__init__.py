"""The application: pages for people with a role, each view of a child recorded. Django lives here and nowhere else.

`serve` starts it, `create_demonstration_accounts` makes one account for each role on invented data. Both make Django
ready themselves; importing this package does not.
"""

from __future__ import annotations

from sightline.web.demonstration import create_demonstration_accounts
from sightline.web.serving import RefusesToServe, prepare, serve

__all__ = ["RefusesToServe", "create_demonstration_accounts", "prepare", "serve"]
