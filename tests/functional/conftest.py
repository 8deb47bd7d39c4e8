"""A served authority, and a real Chromium to visit it with."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lxml.html
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from structure import AXE_TAGS, WAITED, Family, families

expect.set_options(timeout=WAITED)
ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "test-results" / "pages"
# What a page looks different on: its width, colours that are forced, and style sheets of a reader's own.
SCREEN = "`${innerWidth} ${matchMedia('(forced-colors: active)').matches} ${document.adoptedStyleSheets.length}`"
# Without these Chromium asks the outside world for updates; as root it needs --no-sandbox.
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Served:
    """The address of the running application, and the user name and password of each role."""

    def __init__(self, address: str, accounts: dict[str, list[str]]) -> None:
        self.address, self.accounts = address, accounts


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    accounts = folder / "accounts.json"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    database = os.environ.get("SIGHTLINE_TEST_DATABASE_URL", "")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("SIGHTLINE_", "DJANGO_", "COV_"))}
    if database:
        # The same journeys on PostgreSQL, in a database of this run's own.
        environment["SIGHTLINE_DATABASE_URL"] = _own_database(database, f"sightline_served_{os.getpid()}")
    log = (folder / "log").open("w")
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("web_server.py")), str(folder / "home"), str(port), str(accounts)],
        env=environment, stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            assert process.poll() is None, (folder / "log").read_text()
            try:
                with urllib.request.urlopen(f"{address}/healthz", timeout=5) as answer:
                    assert answer.read() == b"ok\n"
                break
            except OSError:
                time.sleep(0.5)
        else:
            raise AssertionError((folder / "log").read_text())
        yield Served(address, json.loads(accounts.read_text()))
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)
        log.close()
    said = (folder / "log").read_text()
    if database:
        _drop_database(database, f"sightline_served_{os.getpid()}")
    assert "Error" not in said, said
    assert "SIG" not in said, said
    assert "Tok0" not in said, "the log of the server holds a child's text"


def _own_database(server: str, name: str) -> str:
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.rpartition("/")[0] + f"/{name}"


def _drop_database(server: str, name: str) -> None:
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert found, "These tests need Chromium: install the system's package 'chromium'."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def visit(served: Served, chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page signed in as a role (or as nobody). Fails on any console message or request to another host."""
    contexts: list[BrowserContext] = []
    heard: list[str] = []

    def go(role: str | None = None, *, keyboard: bool = False, **options: Any) -> Page:
        context = chromium.new_context(
            base_url=served.address, **{"viewport": {"width": 1280, "height": 900}, **options}
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAITED)
        page.on("console", lambda message: _said(message.type, message.text, heard))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda request: _only_here(request.url, served.address, heard))
        if role is not None:
            name, password = served.accounts[role]
            page.goto("/sign-in/")
            if keyboard:
                page.locator("#id_login").focus()
                page.keyboard.type(name)
                page.keyboard.press("Tab")
                page.keyboard.type(password)
                page.keyboard.press("Enter")
            else:
                page.locator("#id_login").fill(name)
                page.locator("#id_password").fill(password)
                page.get_by_role("button", name="Sign in", exact=True).click()
            page.wait_for_url("/")
        return page

    yield go
    for context in contexts:
        context.close()
    assert not heard, heard


def _said(kind: str, text: str, heard: list[str]) -> None:
    # Chromium tells, as information, what it cleared when somebody signed out.
    if not text.startswith("Clear-Site-Data header"):
        heard.append(f"{kind}: {text}")


def _only_here(url: str, address: str, heard: list[str]) -> None:
    if not url.startswith((address, "data:")):
        heard.append(f"a request to {url}")


@pytest.fixture(scope="session")
def judged() -> set[tuple[str, Family]]:
    """The parts of pages in which axe found no fault in this run, each with the screen it was seen on."""
    return set()


@pytest.fixture
def accessible(judged: set[tuple[str, Family]]) -> Callable[[Page, str], None]:
    """Checks the page as it stands: that it is not blank, that it does not scroll sideways, and with axe, which is asked
    once of parts that are alike (see `structure`) on one kind of screen. Keeps a picture of what axe was asked of."""

    def check(page: Page, name: str) -> None:
        assert page.locator("main h1").inner_text().strip(), f"{name} has no heading"
        assert len(page.locator("main").inner_text().strip()) > 40, f"{name} is blank"
        across, shown = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert across <= shown, f"{name} scrolls sideways: {across} in {shown}"
        screen = page.evaluate(SCREEN)
        mine = {(screen, part) for part in families(lxml.html.document_fromstring(page.content()))}
        if mine <= judged:
            return
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
        tags = {"type": "tag", "values": AXE_TAGS}
        found = Axe().run(page, options={"runOnly": tags, "resultTypes": ["violations"]})
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"
        judged.update(mine)

    return check
