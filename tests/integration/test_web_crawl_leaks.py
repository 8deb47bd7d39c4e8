"""The leak scan: every page a role can reach by link, by form or by a child's address, and not a token too many.

Every child of the invented authority carries a token of its own in each text field. The scan begins at every address of
the permission matrix and follows what it finds, so that a page added to the matrix is scanned without being named here.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import pytest
import web_authority as authority
from django.core import mail
from django.db import transaction
from django.urls import NoReverseMatch, Resolver404, resolve, reverse

from sightline.vocabulary.tables import Sensitivity
from sightline.web.authz.matrix import PAGES, ROLES

pytest_plugins = ["web_fixtures"]

TOKEN = re.compile(rb"Tok(\d{3})([a-z]+)", re.IGNORECASE)
VISIBLE = authority.seen_by()
# The class of each field that a token is planted in and some role may not read; the rest go with who the child is.
CLASS_OF = {
    "postcode": Sensitivity.LOCATION,
    "ethnicity": Sensitivity.SPECIAL,
    "helpwhy": Sensitivity.CARE_DETAIL,
    "helpwho": Sensitivity.CARE_STATUS,
    "episode": Sensitivity.CARE_STATUS,
    "adult": Sensitivity.STAFF,
}
LIKE_EACH_OTHER = 2  # addresses of one page that differ in the values of the same parameters, and in all:
OF_ONE_PAGE = 7  # pages of a list beyond that
OUTSIDE, INSIDE = 2, 2  # children out of and in scope on each page of one child; the record itself is asked for of all
ENDS_THE_VISIT = {"account_logout", "act_as", "account_login"}


def name_trusted_adults() -> None:
    """For some children a trusted adult at their school, and one at a school they left."""
    from sightline.web.people.models import Child
    from sightline.web.trusted.models import TrustedAdult

    keys = dict(Child.objects.values_list("child_id", "pk"))
    TrustedAdult.objects.bulk_create(
        TrustedAdult(
            child_id=keys[authority.child_id(n)], whose="child", name=authority.token(n, field), role="Tutor",
            urn=authority.SCHOOLS[(authority.school_of(n) + away) % len(authority.SCHOOLS)],
            start_date=authority.AS_AT, made_by="test",
        )
        for n in range(0, authority.CHILDREN, 2)
        for away, field in enumerate(("adult", "otheradult"))
    )  # fmt: skip


class Found(HTMLParser):
    """The links and forms of a page."""

    def __init__(self, base: str, text: str) -> None:
        super().__init__()
        self.base, self.links, self.forms, self._select = base, [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        held = dict(attributes)
        if tag == "a" and held.get("href"):
            self.links.append(urljoin(self.base, held["href"]))
        elif tag == "form":
            self.forms.append(
                ((held.get("method") or "get").lower(), urljoin(self.base, held.get("action") or ""), {}, [])
            )
        elif self.forms and held.get("name"):
            self._field(tag, held)
        elif tag == "option" and self._select and self.forms and held.get("value"):
            self.forms[-1][2].setdefault(self._select, held["value"])

    def _field(self, tag, held):
        fields, kind = self.forms[-1][2], held.get("type", "")
        self._select = held["name"] if tag == "select" else ""
        if kind == "file":
            self.forms[-1][3].append(held["name"])
        elif tag == "textarea" or (tag == "input" and kind in ("", "text", "search")):
            fields.setdefault(held["name"], held.get("value") or "a reason that is long enough to be one")
        elif tag in ("input", "button") and (kind != "checkbox" or "checked" in held):
            fields.setdefault(held["name"], held.get("value") or "")


def name_of(address: str) -> str:
    try:
        return resolve(urlsplit(address).path).view_name
    except Resolver404:
        return ""


def starts(role: str, children: dict[int, str]) -> list[str]:
    """Every address the matrix lets the role ask for: those of schools for each, those of children in scope and out."""
    outside = [c for n, c in children.items() if n not in VISIBLE[role]]
    inside = [c for n, c in children.items() if n in VISIBLE[role]]
    found = ["/no-such-page/", "/children/x/", *(f"/children/{child}/" for child in outside)]
    for name, page in PAGES.items():
        if name in ENDS_THE_VISIT or not page.allows("GET", signed_in=True, role=role):
            continue
        for argument in ("", *authority.SCHOOLS, *outside[:OUTSIDE], *inside[:INSIDE]):
            try:
                found.append(reverse(name, args=[argument] if argument else []))
            except NoReverseMatch:
                continue
    return list(dict.fromkeys(found))


def texts(answer) -> list[bytes]:
    """What an answer holds, archives (spreadsheets are archives) opened."""
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if content[:2] != b"PK":
        return [content]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [archive.read(name) for name in archive.namelist()]


@pytest.mark.parametrize("role", authority.ROLE_OVER)
def test_nothing_a_role_can_reach_holds_a_token_outside_it(facts, person, browse, role, caplog):
    from sightline.web.audit.models import AccessEntry, ChangeEntry, SecurityEntry
    from sightline.web.people.models import Child

    browser = browse(person(role))
    children = {int(c.child_id.removeprefix("child-")): str(c.public_id) for c in Child.objects.order_by("pk")}
    hidden = {field for field, sensitivity in CLASS_OF.items() if not ROLES[role].reads(sensitivity)}
    if not PAGES["child_trusted"].allows("GET", signed_in=True, role=role):
        hidden |= {"adult", "otheradult"}
    elif role in ("school_lead", "headteacher"):
        hidden |= {"otheradult"}  # of another school
    name_trusted_adults()
    seen: set[int] = set()
    asked: Counter[tuple[str, ...]] = Counter()
    sent: set[tuple[str, ...]] = set()

    def scan(what, answer):
        assert answer.status_code < 500, what
        page = PAGES.get(name_of(what.split(" ", 1)[1]))
        for text in texts(answer):
            for number, field in TOKEN.findall(text):
                assert page is None or page.of_children, (what, "is a page of no children and shows one")
                assert int(number) in VISIBLE[role], (what, number)
                assert field.decode().lower() not in hidden, (what, field)
                seen.add(int(number))
        assert not TOKEN.findall(str(answer.headers).encode()), what

    in_part: set[str] = set()
    waiting = starts(role, children)
    done = set(waiting)
    while waiting:
        address = waiting.pop(0)
        swapped = "?" in address and name_of(address) not in in_part
        in_part.add(name_of(address))
        for headers in ({}, {"HX-Request": "true"}) if swapped else ({},):
            answer = browser.get(address, headers=headers)
            scan(f"GET {address}", answer)
        if answer.status_code != 200 or not answer.headers.get("Content-Type", "").startswith("text/html"):
            continue
        found = Found(address, answer.content.decode())
        gets = [f"{a}?{urlencode(f)}" for method, a, f, _ in found.forms if method == "get"]
        for link in [*found.links, *gets]:
            parts = urlsplit(link)
            to = f"{parts.path}?{parts.query}" if parts.query else parts.path
            name = name_of(to)
            alike = (name, *sorted({k for k, _ in parse_qsl(parts.query)}))
            if parts.netloc or not name or name in ENDS_THE_VISIT or to in done or asked[alike] >= LIKE_EACH_OTHER:
                continue
            if "page" not in alike[1:] and asked[(name,)] >= OF_ONE_PAGE:
                continue
            asked.update({alike, (name,)})
            done.add(to)
            waiting.append(to)
        for method, to, fields, files in found.forms:
            name = name_of(to)
            if method != "post" or files or name in ENDS_THE_VISIT or (name, *sorted(fields)) in sent:
                continue
            sent.add((name, *sorted(fields)))
            # What a form changes is undone, so that the next is sent to the same authority.
            with transaction.atomic():
                scan(f"POST {to}", browser.post(to, fields))
                for log in (AccessEntry, ChangeEntry, SecurityEntry):
                    last = log.objects.order_by("-pk").first()
                    assert last is None or not TOKEN.search(str(vars(last)).encode()), (to, log)
                transaction.set_rollback(True)
    assert seen == VISIBLE[role], "each child in scope is seen somewhere, or the scan proves nothing"
    assert not TOKEN.search(caplog.text.encode())
    for message in mail.outbox:
        assert not TOKEN.search(str(message.message()).encode()), message.subject
    for log in (AccessEntry, SecurityEntry):
        assert not any(TOKEN.search(str(vars(entry)).encode()) for entry in log.objects.all())


def test_the_scan_opens_spreadsheets_and_follows_forms():
    from django.http import HttpResponse

    book = io.BytesIO()
    with zipfile.ZipFile(book, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", authority.token(7, "surname") * 50)
    assert b"Tok007surname" not in book.getvalue()
    assert any(TOKEN.search(text) for text in texts(HttpResponse(book.getvalue())))
    page = '<a href="?page=2">2</a><form method="post" action="/x/"><input name="a"><select name="b"><option value=""><option value="1"></select></form>'
    found = Found("/cohort/", page)
    assert found.links == ["/cohort/?page=2"]
    assert found.forms == [("post", "/x/", {"a": "a reason that is long enough to be one", "b": "1"}, [])]
