"""Keeping, listing and forgetting the views of one person; nobody reads another's."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode

from sightline.vocabulary.errors import BadSetting
from sightline.web.views_saved.models import SavedView

MOST = 30
"""Views one person may keep on a page."""
LONGEST_NAME, LONGEST_QUERY = 80, 2000


def of(user: Any, *, page: str) -> list[SavedView]:
    """The person's views of a page, by name."""
    return list(SavedView.objects.filter(user_id=user.pk, page=page))


def keep(user: Any, *, page: str, name: str, query: str, filters: frozenset[str]) -> SavedView:
    """Keep a view under a name, in place of one of that name. Only the filters named are kept of the query.

    Raises BadSetting, in words for the person, without a name, or when there are too many views or filters.
    """
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise BadSetting(f"Enter a name for this view, of at most {LONGEST_NAME} letters.")
    kept = urlencode([(k, v) for k, v in parse_qsl(query.removeprefix("?")) if k in filters])
    if len(kept) > LONGEST_QUERY:
        raise BadSetting("This view has too many filters to be kept. Take some away.")
    others = SavedView.objects.filter(user_id=user.pk, page=page).exclude(name=name)
    if others.count() >= MOST:
        raise BadSetting(f"You keep {MOST} views already. Remove one first.")
    made, _new = SavedView.objects.update_or_create(user_id=user.pk, page=page, name=name, defaults={"query": kept})
    return made


def forget(user: Any, *, page: str, key: str) -> None:
    """Remove one of the person's own views; anybody else's stays."""
    if key.isascii() and key.isdigit():
        SavedView.objects.filter(user_id=user.pk, page=page, pk=int(key)).delete()
