"""After each partial update the focus is on what was pressed, in its new place, and the page is whole."""

from __future__ import annotations

import pytest
import web_authority as authority
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

# The pages whose tables are fetched anew when a heading is pressed, and as whom each is asked for; a link leads to one of many.
PAGES = {
    "cohort": ("Virtual School Head", "/cohort/"),
    "dashboard": ("Virtual School Head", "/dashboard/?by=school"),
    "breakdown": ("Virtual School Head", "/breakdown/"),
    "schools": ("Virtual School Head", "/schools/"),
    "school": ("Headteacher", f"/schools/{authority.SCHOOLS[0]}/"),
    "trust": ("Trust lead", "/trust/"),
    "team": ("Virtual School Head", "/teams/", "main a[href^='/teams/']"),
    "absence_lists": ("Virtual School Head", "/absence-lists/"),
    "closures": ("Virtual School Head", "/closures/"),
    "early_help": ("Early Help manager", "/early-help/"),
    "youth_justice": ("Virtual School Head", "/youth-justice/"),
    "exceptions": ("Data officer", "/exceptions/"),
    "senders": ("Data officer", "/senders/"),
    "trusted_adults": ("Virtual School Head", "/trusted-adults/"),
    "self_review": ("Virtual School Head", "/data-access/"),
}
# Of a page whose parts are fetched anew by themselves: why it is not here.
TESTED_BY_NAME = {"upload": "its progress is fetched every two seconds: test_upload_journey"}


@pytest.mark.parametrize("name", PAGES)
def test_the_focus_stays_on_the_heading_that_was_pressed(visit, name):
    role, address, *led_by = PAGES[name]
    page = visit(role)
    page.goto(address)
    for link in led_by:
        page.locator(link).first.click()
    pressed = page.locator("main thead a[hx-get]").first
    place = pressed.get_attribute("id")
    assert place, "without an id htmx cannot find what had the focus"
    pressed.evaluate("e => e.dataset.before = 'yes'")
    pressed.focus()
    page.keyboard.press("Enter")
    expect(page.locator(f"#{place}:not([data-before])")).to_be_focused()
    expect(page.locator(f"#{place}").locator("xpath=ancestor::th")).not_to_have_attribute("aria-sort", "none")
    assert len(page.locator("main").inner_text().strip()) > 40
    assert page.locator("main h1").count() == 1
