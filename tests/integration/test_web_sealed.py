"""Nobody can tell from any page that a sealed child has a social worker: with the child sealed, or known to no social
care source at all, every page says the same."""

from __future__ import annotations

import io
import re
import zipfile

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import web_authority as authority
from django.urls import NoReverseMatch, reverse

from sightline.web.authz.matrix import PAGES

pytest_plugins = ["web_fixtures"]

N = 15
ME, REF = authority.child_id(N), authority.token(N, "ref")
SCHOOL = authority.SCHOOLS[authority.school_of(N)]
# Each role that counts children with this child among them: a scope that holds it.
ROLES = {
    "headteacher": ("school", SCHOOL),
    "governor": ("school", SCHOOL),
    "virtual_school_head": ("authority", ""),
}
# What the files hold is no secret of the people who send and load them: how many findings each has.
OF_FILES = {"quality", "quality_download"}
VIEWS = {"dashboard": ("?by=school",), "dashboard_download": ("?for=own",)}


def unknown_to_care(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """The same authority without what social care says of the child, and without its marks: rates of other pupils are
    of those on no plan, so a sealed child is not among them."""
    gone = {
        "child_id": ("status_period", "allocation", "link", "exception", "register_week", "register_year", "exclusion"),
        "child_ref": ("involvement", "early_help"),
        "record": ("finding",),
        "exception_id": ("exception_history",),
    }
    key = {"child_id": ME, "child_ref": REF, "record": REF, "exception_id": f"x{N:03}"}
    held = dict(tables)
    for column, names in gone.items():
        for name in names:
            other = pc.fill_null(pc.not_equal(held[name][column], key[column]), True)
            held[name] = held[name].filter(other)
    doubt = held["link_doubt"]
    held["link_doubt"] = doubt.filter(
        pc.and_(pc.not_equal(doubt["left_ref"], REF), pc.not_equal(doubt["right_ref"], REF))
    )
    return held


def said(answer) -> list[str]:
    """What an answer says, a workbook opened, without what is new in every answer."""
    if answer.content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
            text = "".join(book.read(n).decode() for n in sorted(book.namelist()) if n.startswith("xl/"))
        text = text.replace("><", ">\n<")
    else:
        text = answer.content.decode()
    text = re.sub(r'csrfmiddlewaretoken" value="[^"]*"|quote [0-9a-f]{16}|other-\d+', "", text)
    return [f"{answer.status_code}", *text.splitlines()]


def pages_of(browser, role: str, public_id: str) -> dict[str, list[str]]:
    found = {}
    for name, page in PAGES.items():
        if name in OF_FILES or page.shows == "none" or not page.allows("GET", signed_in=True, role=role):
            continue
        for argument in ("", SCHOOL, public_id):
            try:
                address = reverse(name, args=[argument] if argument else [])
            except NoReverseMatch:
                continue
            for asked in VIEWS.get(name, ("",)):
                found[address + asked] = said(browser.get(address + asked))
    return found


@pytest.mark.parametrize("role", ROLES)
def test_a_sealed_child_is_as_one_nobody_knows(facts_of, person, browse, role):
    from sightline.web import facts as module
    from sightline.web.people import restricting
    from sightline.web.people.models import Child

    tables = authority.tables()
    facts_of(tables)
    scope, over = ROLES[role]
    user, head = person(role, scope=scope, over=over), person("virtual_school_head", username="another")
    child = Child.objects.get(child_id=ME)
    before = said(browse(user).get("/match-rate/"))
    restricting.restrict(child, kind="sealed", reason="Sealed for the test of pages", by=head)
    sealed = pages_of(browse(user), role, str(child.public_id))
    module.forget()
    facts_of(unknown_to_care(tables))
    unknown = pages_of(browse(user), role, str(child.public_id))
    differ = {a: sorted(set(sealed[a]) ^ set(unknown[a]))[:4] for a in sealed if sealed[a] != unknown[a]}
    assert not differ
    assert before != sealed["/match-rate/"], "the child was counted somewhere, or this proves nothing"
