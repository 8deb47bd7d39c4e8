"""The whole road: an invented authority's files, received, and served to a browser by the command people type."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from playwright.sync_api import expect

from sightline import operations
from sightline.operations import Home
from sightline.web.authz.matrix import PAGES, ROLES

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ACCOUNT = re.compile(r"^  (\S+) +([0-9a-f]{6}(?:-[0-9a-f]{6}){2})  (.+)$", re.MULTILINE)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def web(home, *words, **environment):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SIGHTLINE_", "DJANGO_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "sightline.web", *words, "--home", str(home)], env={**clean, **environment},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def received(tmp_path_factory):
    folder = tmp_path_factory.mktemp("authority")
    operations.synthesise(300, 4, folder / "files")
    home = Home.open(folder / "home")
    operations.receive(home, [folder / "files"], by="test")
    return folder / "home"


def test_served_from_received_files_to_every_role(received, chromium, accessible):
    port = free_port()
    process = web(received, "serve", "--port", str(port), "--demonstration")
    said = ""
    try:
        while "Serving on" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        accounts = {role: (name, password) for name, password, role in ACCOUNT.findall(said)}
        assert len(accounts) == len(ROLES)
        address = f"http://127.0.0.1:{port}"
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{address}/healthz", timeout=5).close()
                break
            except OSError:
                time.sleep(0.5)
        for role in (
            "Virtual School Head",
            "Data officer",
            "Social worker",
            "School safeguarding lead",
            "Governor or panel member",
        ):
            name, password = accounts[role]
            context = chromium.new_context(base_url=address)
            page = context.new_page()
            page.goto("/sign-in/")
            page.locator("#id_login").fill(name)
            page.locator("#id_password").fill(password)
            page.get_by_role("button", name="Sign in", exact=True).click()
            page.wait_for_url("/")
            expect(page.get_by_role("heading", level=1)).to_have_text("Your day")
            key = next(r.key for r in ROLES.values() if r.name == role)
            for path, named in (("/week/", "week"), ("/cohort/", "cohort")):
                opens = PAGES[named].allows("GET", signed_in=True, role=key)
                assert page.goto(path).status == (200 if opens else 403)
            first = page.locator("#results tbody th a").first
            if first.count():
                first.click()
                expect(page.get_by_role("heading", name="Where this comes from")).to_be_visible()
                if role == "Virtual School Head":
                    accessible(page, "files-child")
            context.close()
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        said += process.communicate(timeout=30)[0]
    assert "Error" not in said, said
    assert "SIG" not in said, "a worker died: " + said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("serve", "--host", "0.0.0.0", "--demonstration"), "127.0.0.1 only"),
        (("serve",), "Say which names the service answers to"),
    ],
)
def test_a_refusal_to_serve_is_one_sentence_and_an_exit_code(tmp_path, words, says):
    process = web(tmp_path / "home", *words)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 6
    assert says in said
    assert "Traceback" not in said
