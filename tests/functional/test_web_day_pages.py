"""The team and the search, in a real browser. That each page is accessible is asked in test_web_every_state."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_a_manager_opens_the_team_and_a_worker_s_children(visit, accessible):
    page = visit("Team manager")
    page.get_by_role("link", name="Teams", exact=True).click()
    page.locator("main li a").first.click()
    expect(page.get_by_role("heading", level=2, name="Caseloads")).to_be_visible()
    accessible(page, "monday-team")
    page.get_by_role("table", name="Caseloads").get_by_role("rowheader").get_by_role("link").first.click()
    expect(page.get_by_role("link", name="Show every worker’s children")).to_be_visible()
    page.set_viewport_size({"width": 320, "height": 640})
    accessible(page, "monday-team-worker-narrow")


def test_a_child_is_found_by_keyboard_and_nothing_of_it_stands_in_the_address(visit, accessible):
    page = visit("Team manager", keyboard=True)
    page.goto("/cohort/")
    surname = page.locator("main tbody th a").first.inner_text().partition(",")[0]
    page.get_by_role("link", name="Search", exact=True).click()
    accessible(page, "monday-search")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    accessible(page, "monday-search-error")
    page.get_by_label("Name, unique pupil number or date of birth").fill(surname)
    page.keyboard.press("Enter")
    expect(page.get_by_role("table", name="Children found")).to_contain_text(surname)
    assert page.url.endswith("/search/")
    accessible(page, "monday-search-found")
    page.get_by_label("Name, unique pupil number or date of birth").fill("Nobody-of-this-name")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No match you may see")).to_be_visible()
    accessible(page, "monday-search-none")
