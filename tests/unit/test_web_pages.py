"""Each page for the people it is for: what it shows, what it costs, and that it works without JavaScript."""

from __future__ import annotations

import pytest
import web_authority as authority

pytest_plugins = ["web_fixtures"]


def public_id(n: int) -> str:
    from sightline.web.people.models import Child

    return str(Child.objects.get(child_id=authority.child_id(n)).public_id)


@pytest.mark.parametrize("role", authority.ROLE_OVER)
@pytest.mark.parametrize("path", ["/", "/cohort/", "/week/", "/definitions/"])
def test_each_page_opens_for_each_role(facts, person, browse, role, path):
    answer = browse(person(role)).get(path)
    assert answer.status_code == 200
    assert b"<h1" in answer.content
