"""A data officer's upload in a real browser with a real worker, and an exception decided."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

MARKS = b"Pupil ID,URN,Date,AM,PM\nA1,900001,2024-09-02,/,\\\nA2,900001,2024-09-02,I,I\n"


def test_files_are_checked_and_loaded_while_the_page_is_closed(
    visit: Callable[..., Page], accessible: Callable[[Page, str], None]
):
    page = visit("Data officer")
    page.goto("/loads/")
    page.locator("#files").set_input_files(files=[{"name": "marks.csv", "mimeType": "text/csv", "buffer": MARKS}])
    page.get_by_role("button", name="Upload and check").click()
    page.wait_for_url("/loads/*/")
    address = page.url
    page.get_by_text("Checked: load it or discard it.").wait_for(timeout=120_000)
    accessible(page, "upload-checked")
    page.get_by_role("button", name="Load these files").click()
    page.wait_for_load_state()
    page.goto("/loads/")
    page.goto(address)
    page.get_by_role("heading", name="Undo the load").wait_for(timeout=120_000)
    accessible(page, "upload-loaded")
    page.get_by_role("button", name="Undo this load").click()
    assert page.locator("#reason-error").get_by_text("Say why the load is undone.").is_visible()


def test_an_exception_is_decided_with_the_keyboard_alone(visit: Callable[..., Page]):
    page = visit("Data officer", keyboard=True)
    page.goto("/exceptions/")
    page.locator('a[href*="/exceptions/one/"]').first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("/exceptions/one/*/")
    page.locator("#decision-1").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.type("Seen on the telephone")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("Seen on the telephone").wait_for()
