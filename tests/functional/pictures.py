"""Take the pictures of the documentation again, from an invented authority served as the demonstration.

    python tests/functional/pictures.py [NAME ...]

Look at each before it is committed: a picture shows what a reader will expect to find.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from sightline import operations
from sightline.operations import Home

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PUPILS, SEED = 1200, 4
MOST = 200_000  # bytes of one picture
ACCOUNT = re.compile(r"^  ([a-z-]+) +(\S+)  ", re.MULTILINE)
CHART = "[data-chart] svg[role=img]"
PICTURES = (
    ("cohort", "virtual-school-head", "/cohort/?plan=CP+plan&plan=CIN+plan", "", CHART, 1380),
    ("dashboard", "virtual-school-head", "/dashboard/?by=school&sort-groups=-2", "", CHART, 1300),
    ("your-day", "data-officer", "/", "", "main table", 990),
    ("absence-lists", "virtual-school-head", "/absence-lists/", "", "main table", 1200),
    ("child", "virtual-school-head", "/absence-lists/", "main tbody th a", "#timeline", 1150),
    ("school", "headteacher", "/", "nav a:text-is('Your school')", "main table", 1150),
    ("exception", "data-officer", "/exceptions/", "main tbody td a", "main table", 1150),
)
"""The name of each picture, whose page it is, its address and a link to follow from there, what must be seen before it is
taken, and its height."""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        files, home = Path(folder) / "files", Path(folder) / "home"
        operations.synthesise(PUPILS, SEED, files)
        operations.receive(Home.open(home), [files], by="pictures")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = subprocess.Popen(
            [sys.executable, "-m", "sightline.web", "serve", "--home", str(home), "--port", str(port), "--demonstration"],
            stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            said = ""
            while "Serving on" not in said:
                line = server.stdout.readline() if server.stdout else ""
                assert line, said
                said += line
            accounts = dict(ACCOUNT.findall(said))
            assert accounts, said
            take(f"http://127.0.0.1:{port}", accounts)
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()


def take(address: str, accounts: dict[str, str]) -> None:
    for _ in range(120):
        try:
            urllib.request.urlopen(f"{address}/healthz", timeout=5).close()
            break
        except OSError:
            time.sleep(0.5)
    with sync_playwright() as playwright:
        found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        wanted = [p for p in PICTURES if p[0] in sys.argv[1:] or not sys.argv[1:]]
        assert wanted, f"There are: {', '.join(p[0] for p in PICTURES)}"
        for name, account, path, link, seen, height in wanted:
            page = browser.new_context(base_url=address, viewport={"width": 1200, "height": height}).new_page()
            page.goto("/sign-in/")
            page.locator("#id_login").fill(account)
            page.locator("#id_password").fill(accounts[account])
            page.get_by_role("button", name="Sign in", exact=True).click()
            page.wait_for_url(f"{address}/")
            page.goto(path)
            if link:
                page.locator(link).first.click()
            expect(page.locator(seen).first).to_be_visible()
            picture(page, name)
            page.context.close()
        browser.close()


def picture(page: Page, name: str) -> None:
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path)
    size = path.stat().st_size
    assert size < MOST, f"{path.name} has {size:,} bytes; make it smaller than {MOST:,}."
    print(f"{path.name}: {size:,} bytes")


if __name__ == "__main__":
    main()
