"""A role given by two people, in a real browser. That each page is accessible is asked in test_web_every_state."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_a_role_is_proposed_by_one_and_approved_by_another_by_keyboard_and_mouse(visit, accessible):
    page = visit("Administrator", keyboard=True)
    page.get_by_role("link", name="People").first.click()
    page.get_by_label("Name", exact=True).fill("Asha Newcomer")
    page.get_by_label("Email address").fill("asha@sightline.example")
    page.get_by_role("button", name="Add the person").click()
    expect(page.get_by_role("heading", level=2, name="There is a problem")).to_be_visible()
    accessible(page, "people-error")
    page.get_by_role("link", name="Enter a user name").click()
    assert page.evaluate("document.activeElement.id") == "id_username"
    page.keyboard.type("asha")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Asha Newcomer")
    page.get_by_label("Role", exact=True).select_option("Early Help manager")
    page.get_by_label("Whom it is over").select_option("early help")
    page.get_by_label("First day without the role").fill((date.today() + timedelta(days=100)).isoformat())
    page.get_by_label("Why").fill("manages Early Help from today")
    page.get_by_role("button", name="Propose").click()
    expect(page.get_by_text("Waits for a second person")).to_be_visible()
    head = visit("Virtual School Head")
    head.goto("/people/roles-that-wait/")
    accessible(head, "roles-that-wait")
    head.get_by_role("button", name="Approve Asha Newcomer").click()
    expect(head.get_by_text("/invitation/")).to_be_visible()
    accessible(head, "roles-approved")
