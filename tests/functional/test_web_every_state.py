"""Every page as every role in every state: axe, none blank, at 320 pixels, on paper and without a script.

Pages are asked for without a browser and shown to one Chromium with their real style sheet, scripts and policy. Of
pages made of like parts (tags, classes, roles and states, and the parts within) the first is shown: axe answers alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any

import axe_playwright_python
import lxml.html
import pytest
from playwright.sync_api import Browser, expect
from structure import AXE_TAGS, WAITED, Family, families

pytestmark = pytest.mark.browser
pytest_plugins = ["web_fixtures"]

# What an address answers with that is no page, and why.
NOT_PAGES = {
    "account_login": "somebody signed in is sent home",
    "account_logout": "signing out, which every page offers, redirects",
    "mfa_authenticate": "somebody signed in gives no code",
    "mfa_login_webauthn": "options for the script of passkeys, then a redirect",
    "mfa_reauthenticate_webauthn": "without a passkey there is none to use again",
    "mfa_remove_webauthn": "without a passkey there is none to remove",
    "mfa_reauthenticate": "without a second factor there is no code to give again",
    "mfa_view_recovery_codes": "without a second factor there are no codes",
    "accept_invitation": "an invitation is somebody’s own",
    "provider_begin": "there is no such provider",
    "provider_come_back": "there is no such provider",
    "upload_progress": "a part of the page of an upload",
    "brand_css": "a style sheet",
    "healthz": "a word for a monitor",
    "act_as": "a choice redirects",
    "saved_views": "a view kept redirects",
    "child_declare": "what is declared hides the record, and leads home",
    "late_status_download": "a workbook",
    "moves_download": "a workbook",
    "pack_download": "a page to send, a file of its own",
    "part_time_download": "a workbook",
    "youth_justice_download": "a workbook",
    "self_review_download": "a workbook",
    "school_download": "a workbook",
    "trust_download": "a workbook",
    "schools_download": "a workbook",
    "team_download": "a workbook",
    "dashboard_download": "a workbook",
    "breakdown_download": "a workbook",
    "quality_download": "a file",
    "batch_file": "a file",
    "access_review_download": "a file",
}
# Roles that may open a page of one of many and have none here to open.
NONE_OF_THEIRS: set[tuple[str, str]] = set()
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
RUN = """async tags => {
  const found = await axe.run(document, {runOnly: {type: "tag", values: tags}, resultTypes: ["violations"]});
  return found.violations.map(v => v.id + ": " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160)).join(" | "));
}"""
NARROW = """() => [document.documentElement.scrollWidth, window.innerWidth, document.querySelector("main").innerText.trim().length]"""
ON_PAPER = """() => {
  const shown = s => [...document.querySelectorAll(s)].filter(e => e.checkVisibility()).length;
  const beyond = e => e.checkVisibility() && e.getBoundingClientRect().right > window.innerWidth;
  return [shown(".govuk-service-navigation, .app-filter, .app-filters, .app-person, .govuk-pagination"), shown("main h1"),
    [...document.querySelectorAll("main table, main svg")].filter(beyond).map(e => e.textContent.trim().slice(0, 60))];
}"""
SMALL, PAPER = {"width": 320, "height": 640}, {"width": 718, "height": 1000}  # A4 with its margins


@pytest.fixture(scope="session")
def beside_a_browser() -> Iterator[None]:
    """The browser's driver leaves an event loop running in the process of an earlier test; Django takes what is asked
    beside it, in the same thread and one at a time, for something unsafe."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield


@pytest.fixture(scope="module")
def walked(
    beside_a_browser: None,
    django_db_setup: None,
    django_db_blocker: Any,
    authority_opened: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:
    """Every answer that the walk of web_states was given, in a home of its own."""
    import web_states
    from django.conf import settings
    from django.db import transaction

    from sightline.operations import Home
    from sightline.web import facts, served
    from sightline.web.work import running

    home = tmp_path_factory.mktemp("every-state") / "home"
    place = Home.open(home)
    (home / "retention.toml").write_text((Path(settings.SIGHTLINE_HOME) / "retention.toml").read_text())
    held = web_states.Walk()
    with pytest.MonkeyPatch.context() as patch, django_db_blocker.unblock(), transaction.atomic():
        patch.setattr(settings, "SIGHTLINE_HOME", home)
        for module in (facts, served):
            patch.setattr(module, "home", lambda: place)
        patch.setattr(facts.operations, "opened", lambda home, **_: authority_opened)
        patch.setattr(running, "start", lambda: None)
        facts.open_current()
        web_states.every_state(held, place)
        transaction.set_rollback(True)
    facts.forget()
    return held


@pytest.mark.django_db
def test_every_address_is_seen_as_every_role_that_may_see_it(walked):
    import web_authority
    import web_states

    from sightline.web.authz.matrix import PAGES

    pages = {(seen.page, seen.role) for seen in walked.seen if seen.status == 200}
    roles = (*web_authority.ROLE_OVER, web_states.NO_ROLE, web_states.NOBODY)
    wanted = {(n, r) for n in PAGES for r in roles if web_states.may(n, r, "GET") or web_states.may(n, r, "POST")}
    missed = sorted(pair for pair in wanted - pages - NONE_OF_THEIRS if pair[0] not in NOT_PAGES)
    assert not missed, missed
    assert not NONE_OF_THEIRS & pages, "no longer true"
    for name in NOT_PAGES:
        assert {(name, r) for r in roles} & wanted - pages, f"{name} is a page for everybody who may open it"
    counted = Counter(seen.state for seen in walked.seen)
    print(f"{len(walked.seen)} pages: {len(pages)} of address and role, {len(counted)} kinds of state")


def test_each_page_has_one_heading_headings_in_order_and_ids_of_its_own(walked):
    faults = []
    for seen in walked.seen:
        page = lxml.html.document_fromstring(seen.text)
        main = page.find(".//main")
        # The heading of a list of problems stands above the page's own.
        heads = [h for h in main.iter("h1", "h2", "h3", "h4") if "error-summary" not in h.get("class", "")]
        levels = [int(h.tag[1]) for h in heads if "notification-banner" not in h.get("class", "")]
        if levels.count(1) != 1 or not page.find(".//title").text.strip(" –"):
            faults.append(f"{seen.called}: {levels.count(1)} first headings, or no title")
        if any(below > above + 1 for above, below in pairwise(levels)):
            faults.append(f"{seen.called}: a level of headings is left out: {levels}")
        if len(main.text_content().split()) < 8:
            faults.append(f"{seen.called}: blank")
        ids = Counter(e.get("id") for e in page.iter() if isinstance(e.tag, str) and e.get("id"))
        twice = [name for name, times in ids.items() if times > 1]
        if twice:
            faults.append(f"{seen.called}: ids that stand twice: {twice}")
    assert not faults, "\n".join(faults)


def of_each_structure(seen: list[Any]) -> list[Any]:
    """Each page that has a part unlike those of all the pages before it."""
    kept: list[Any] = []
    known: set[Family] = set()
    for each in seen:
        own = set(families(lxml.html.document_fromstring(each.text)))
        if own - known:
            known |= own
            kept.append(each)
    return kept


def repeated_parts_once(text: str) -> str:
    """A page without the rows of a table that are like an earlier one of it: axe has nothing else to say of them."""
    page = lxml.html.document_fromstring(text)
    for body in page.iter("tbody"):
        known = set()
        for row in list(body):
            own = frozenset(families(row))
            if own in known:
                body.remove(row)
            known.add(own)
    return "<!doctype html>" + lxml.html.tostring(page, encoding="unicode")


def test_the_pages_with_partial_updates_are_those_whose_focus_is_tested(walked):
    from test_web_partial_updates import PAGES, TESTED_BY_NAME

    found = {seen.page for seen in walked.seen if "hx-get" in seen.text.partition("<main")[2]}
    assert found == {*PAGES, *TESTED_BY_NAME}


@pytest.fixture(scope="module")
def shown(walked: Any) -> Iterator[tuple[str, list[Any]]]:
    """The address of a server of those pages, with all they ask for, and the pages."""
    import django_htmx

    from sightline.web import assets
    from sightline.web.colour import BRAND

    pages = of_each_structure(walked.seen)
    folders = {"built": assets.BUILT, "htmx": Path(django_htmx.__file__).parent / "static" / "django_htmx"}
    kinds = {".css": "text/css", ".js": "text/javascript"}

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0].split("/")[1:]
            headers = {"Cache-Control": "max-age=600"}
            if path[0] == "seen":
                each = pages[int(path[1])]
                text = each.text if "whole" in path else repeated_parts_once(each.text)
                body, kind = text.encode(), "text/html; charset=utf-8"
                headers = {"Content-Security-Policy": each.policy, "Cache-Control": "no-store"}
            elif path[0] == "static":
                file = folders[path[1]] / path[2]
                body, kind = file.read_bytes(), kinds[file.suffix]
            else:
                body, kind = f":root{{--govuk-brand-colour:{BRAND}}}".encode(), "text/css"
            self.send_response(200)
            for name, value in {**headers, "Content-Type": kind, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing: what is asked for is what was asked."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", pages
    server.shutdown()
    server.server_close()


def test_axe_finds_no_fault_in_any_page_and_every_chart_is_drawn(shown, chromium: Browser):
    address, pages = shown
    context = chromium.new_context(base_url=address, viewport={"width": 1280, "height": 900})
    context.add_init_script(path=AXE)
    page = context.new_page()
    page.set_default_timeout(WAITED)
    faults: list[str] = []
    for number, each in enumerate(pages):
        page.goto(f"/seen/{number}/")
        expect(page.locator("[data-chart] svg[role=img]")).to_have_count(each.text.count("data-chart="))
        faults += [f"{each.called}: {fault}" for fault in page.evaluate(RUN, AXE_TAGS)]
    context.close()
    print(f"{len(pages)} pages with a part of their own were judged")
    assert not faults, "\n".join(faults)


def test_no_page_is_blank_or_wider_than_320_pixels_without_a_script_and_paper_holds_the_page_alone(shown, chromium):
    address, pages = shown
    context = chromium.new_context(base_url=address, viewport=SMALL, java_script_enabled=False)
    page = context.new_page()
    faults = []
    for number, each in enumerate(pages):
        page.emulate_media(media="screen")
        page.goto(f"/seen/{number}/whole/")
        across, wide, letters = page.evaluate(NARROW)
        if across > wide:
            faults.append(f"{each.called}: {across} pixels across in {wide}")
        if letters < 40:
            faults.append(f"{each.called}: blank without a script")
        page.emulate_media(media="print")
        page.set_viewport_size(PAPER)
        around, heading, cut = page.evaluate(ON_PAPER)
        if around or heading != 1:
            faults.append(f"{each.called}: on paper {around} parts that only a screen needs, {heading} headings")
        faults += [f"{each.called}: cut off on paper: {table}" for table in cut]
        page.set_viewport_size(SMALL)
    context.close()
    assert not faults, "\n".join(faults)
