"""The dashboard and the regular tables in a real browser: drawn, read by axe, narrow, and kept."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_a_slice_is_chosen_drawn_kept_and_opened_again(visit, accessible):
    page = visit("Virtual School Head")
    page.get_by_label("Pages").get_by_role("link", name="Dashboard").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Cohort dashboard")
    expect(page.locator("[data-chart] svg[role=img]")).to_be_visible()
    accessible(page, "dashboard")
    page.get_by_label("Plan", exact=True).select_option("CP plan")
    page.get_by_label("Break down by").select_option("Team")
    page.get_by_label("Draw").select_option("Persistent absence")
    page.get_by_role("button", name="Apply filters").click()
    expect(page.get_by_text("Plan: CP plan.")).to_be_visible()
    assert "Tok" not in page.url
    page.get_by_role("link", name="Children", exact=True).click()
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("Children ▲")
    assert page.evaluate("document.activeElement.id") == "sort-groups-2", "focus stays on the heading"
    page.keyboard.press("Enter")
    expect(page.locator("th[aria-sort=descending]")).to_have_text("Children ▼")
    assert "sort-groups=-2" in page.url
    accessible(page, "dashboard-sorted")
    page.get_by_label("Keep this choice of filters under a name").fill("CP by team")
    page.get_by_role("button", name="Keep this view").click()
    kept = page.get_by_role("link", name="CP by team")
    expect(kept).to_be_visible()
    accessible(page, "dashboard-slice")
    page.get_by_label("Figures").get_by_role("link", name="Half-termly, monthly and termly").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Half-termly breakdown")
    accessible(page, "breakdown")
    with page.expect_download() as taken:
        page.get_by_role("link", name="ODS").last.click()
    assert taken.value.suggested_filename.endswith("true-figures.ods")


def test_who_sees_no_child_reads_hidden_figures(visit, accessible):
    page = visit("Governor or panel member")
    page.get_by_label("Pages").get_by_role("link", name="Dashboard").click()
    expect(page.get_by_text("Small numbers are hidden")).to_be_visible()
    accessible(page, "dashboard-shared")
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.get_by_label("Figures").get_by_role("link", name="Half-termly, monthly and termly").click()
    accessible(page, "breakdown-shared")
