"""People at work in a real browser: each role's Monday, by keyboard, without JavaScript, on a narrow screen."""

from __future__ import annotations

import re

import pytest
import web_authority as authority
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

# The other roles' Mondays are those of test_web_keyboard_journeys.
JOURNEYS = {"Virtual School Head": ("Cohort", 40), "Team manager": ("Your team’s children", None)}


def focused(page: Page) -> str:
    return page.evaluate("document.activeElement.id || document.activeElement.tagName")


def drawn(page: Page) -> None:
    expect(page.locator("[data-chart] svg[role=img]")).to_be_visible()


@pytest.mark.parametrize("role", JOURNEYS)
def test_a_monday(visit, accessible, role):
    """Your day, the list, a child, the week: each checked with axe, each chart drawn under the strict policy."""
    title, number = JOURNEYS[role]
    slug = role.lower().replace(" ", "-")
    page = visit(role)
    expect(page.get_by_role("heading", level=1)).to_have_text("Your day")
    accessible(page, f"{slug}-your-day")
    page.get_by_label("Pages").get_by_role("link", name=title).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    drawn(page)
    if number:
        expect(page.locator("#count")).to_contain_text(f"{number} of {number} children")
    accessible(page, f"{slug}-list")
    page.locator("#results tbody th a").first.click()
    expect(page.get_by_role("heading", level=2, name="Plans")).to_be_visible()
    drawn(page)
    accessible(page, f"{slug}-child")
    expect(page.get_by_text("That you opened this page has been recorded.")).to_be_visible()
    assert "Tok" not in page.url
    assert re.search(r"/children/[0-9a-f-]{36}/$", page.url)
    tabs = page.get_by_label("This child").get_by_role("link")
    for place in range(1, tabs.count()):
        tabs.nth(place).click()
        expect(page.get_by_label("This child").locator("[aria-current=page]")).to_have_count(1)
        accessible(page, f"{slug}-child-tab-{place}")
    page.get_by_label("Pages").get_by_role("link", name="This week").click()
    accessible(page, f"{slug}-week")
    own = page.get_by_label("Pages").get_by_role("link", name="Your school")
    if own.count():
        own.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Invented School 1")
        accessible(page, f"{slug}-school")
    more = page.get_by_label("Pages").get_by_role("link", name="Data quality")
    if more.count():
        more.click()
        accessible(page, f"{slug}-data-quality")
        page.get_by_label("Severity").select_option("Error")
        page.get_by_role("button", name="Apply filters").click()
        expect(page.get_by_role("status")).to_contain_text("12 of 43 findings")
        with page.expect_download() as taken:
            page.get_by_role("link", name="Download these findings (CSV)").click()
        assert taken.value.suggested_filename == f"findings-{authority.AS_AT}.csv"


def test_a_doubtful_pair_is_read_and_answered_before_its_score_is_seen(visit, accessible):
    page = visit("Data officer")
    page.get_by_label("Pages").get_by_role("link", name="Data quality").click()
    page.get_by_label("The data").get_by_role("link", name="Doubtful pairs").click()
    accessible(page, "doubtful-pairs")
    page.get_by_role("link", name="Read pair").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Are these one child?")
    assert "0.61" not in page.locator("main").inner_text()
    accessible(page, "doubtful-pair")
    page.get_by_label("Different children").check()
    page.get_by_role("button", name="Record your answer").click()
    expect(page.get_by_role("alert")).to_contain_text("Say why")
    accessible(page, "doubtful-pair-without-a-reason")
    page.get_by_label("Reason").fill("Their schools say so")
    page.get_by_role("button", name="Record your answer").click()
    expect(page.locator("main")).to_contain_text("0.61")
    page.goto("/match-rate/")
    accessible(page, "match-rate")


def test_a_chart_has_a_name_a_description_gaps_and_a_table_of_the_same_numbers(visit):
    page = visit("Virtual School Head")
    page.goto("/cohort/")
    drawn(page)
    svg = page.locator("[data-chart] svg")
    message = page.locator("#weeks-message").inner_text()
    assert svg.locator("> title").text_content() == message
    assert "gaps in the line" in svg.locator("> desc").text_content()
    assert svg.locator("[role]").count() == 0, "one name and one description, not one for each mark"
    lines = [p.get_attribute("d") for p in svg.locator(".mark-line path").all()]
    assert sum(d.count("M") for d in lines if d) == 2, "the summer is a gap: the line is in two parts"
    table = page.locator("#weeks-table")
    assert table.get_attribute("open") is None, "closed once the chart is drawn"
    table.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(table.locator("tbody tr").first).to_be_visible()
    assert table.locator("tbody tr", has_text="No sessions").count() == 9, "seven of the summer, two before any marks"


def test_sorting_keeps_the_focus_and_says_what_is_shown(visit):
    page = visit("Virtual School officer")
    page.goto("/cohort/")
    drawn(page)
    page.locator("#sort-attendance").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#count")).to_contain_text("in order of attendance")
    assert focused(page) == "sort-attendance"
    page.keyboard.press("Enter")
    expect(page.locator("#count")).to_contain_text("last first")
    assert focused(page) == "sort-attendance"
    expect(page.locator("#sort-attendance").locator("xpath=ancestor::th")).to_have_attribute("aria-sort", "descending")
    assert "order=desc" in page.url
    drawn(page)
    page.go_back()
    page.wait_for_load_state()
    expect(page.locator("#count")).not_to_contain_text("last first")


def test_filtering_by_keyboard_alone(visit, accessible):
    page = visit("Virtual School officer", keyboard=True)
    page.goto("/cohort/")
    drawn(page)
    status = page.locator("#count").evaluate_handle("e => e")
    page.get_by_label("CP plan").focus()
    page.keyboard.press("Space")
    page.locator("#filter-team").focus()
    page.keyboard.type("Team 2")
    while focused(page) != "apply-filters":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expected = len(
        [n for n in range(authority.CHILDREN) if authority.status_of(n) == "CP plan" and authority.team_of(n) == 1]
    )
    expect(page.locator("#count")).to_contain_text(f"{expected} of 40 children")
    assert focused(page) == "apply-filters"
    assert status.evaluate("e => e.isConnected"), "the live region is updated, never replaced"
    drawn(page)
    accessible(page, "list-filtered")
    page.reload()
    expect(page.locator("#count")).to_contain_text(f"{expected} of 40 children")
    assert page.get_by_label("CP plan").is_checked()


def test_paging_keeps_its_place_and_every_child_is_on_one_page(visit):
    page = visit("Virtual School officer")
    page.goto("/cohort/")
    names = set(page.locator("#results tbody th a").all_inner_texts())
    page.locator("#page-2").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#count")).to_contain_text("26 to 40 shown")
    assert focused(page) == "page-2"
    names |= set(page.locator("#results tbody th a").all_inner_texts())
    assert len(names) == 40


def test_filters_that_leave_nobody_are_a_page_too(visit, accessible):
    page = visit("Virtual School officer")
    page.goto("/cohort/?year=1&plan=CP plan&team=Team 1&phase=Primary&band=50%25 to 90%25")
    expect(page.get_by_role("heading", name="No child matches")).to_be_visible()
    accessible(page, "list-empty")


def test_without_javascript_filters_sort_and_table_work(visit):
    page = visit("Virtual School officer", java_script_enabled=False)
    page.goto("/cohort/")
    expect(page.locator("[data-module=chart]")).to_be_hidden()
    expect(page.locator("#weeks-table tbody tr").first).to_be_visible()
    page.get_by_label("CIN plan").check()
    page.get_by_role("button", name="Apply filters").click()
    expect(page.locator("#count")).to_contain_text("16 of 40 children")
    page.get_by_role("link", name="Since").click()
    expect(page.locator("#count")).to_contain_text("16 of 40 children")
    expect(page.locator("#count")).to_contain_text("in order of since")
    page.locator("#results tbody th a").first.click()
    expect(page.get_by_role("heading", name="Suspensions and permanent exclusions")).to_be_visible()


@pytest.mark.parametrize("role", ["Virtual School Head", "School safeguarding lead"])
def test_on_a_screen_of_320_pixels(visit, accessible, role):
    page = visit(role, viewport={"width": 320, "height": 640})
    slug = role.lower().replace(" ", "-")
    for path, name in (("/", "your-day"), ("/cohort/", "list"), ("/week/", "week"), ("/definitions/", "definitions")):
        page.goto(path)
        accessible(page, f"{slug}-{name}-320")
    page.goto("/cohort/")
    page.locator("#results tbody th a").first.click()
    drawn(page)
    accessible(page, f"{slug}-child-320")


def test_with_wide_text_spacing_and_forced_colours(visit, accessible):
    page = visit("Virtual School Head", forced_colors="active", reduced_motion="reduce")
    for path, name in (("/cohort/", "list"), ("/week/", "week")):
        page.goto(path)
        page.evaluate(
            """() => { const sheet = new CSSStyleSheet(); sheet.replaceSync(
            '* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important }');
            document.adoptedStyleSheets = [sheet]; }"""
        )
        accessible(page, f"{name}-forced-colours")


def test_a_wrong_sign_in_takes_the_focus_to_what_is_wrong(visit, accessible):
    page = visit()
    page.goto("/sign-in/")
    accessible(page, "sign-in")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_title(re.compile("^Error: "))
    summary = page.locator(".govuk-error-summary")
    expect(summary).to_be_focused()
    accessible(page, "sign-in-error")
    summary.get_by_role("link", name="Enter your password").click()
    expect(page.locator("#id_password")).to_be_focused()


def test_pages_for_anyone_and_pages_of_refusal(visit, accessible):
    page = visit()
    for path in ("/accessibility/", "/how-access-is-logged/"):
        page.goto(path)
        accessible(page, path.strip("/"))
    signed_in = visit("Social worker")
    for path in ("/definitions/", "/account/second-factor/", "/account/password/"):
        signed_in.goto(path)
        accessible(signed_in, path.strip("/").replace("/", "-"))


def test_a_missing_page_says_so(served, chromium, accessible):
    context = chromium.new_context(base_url=served.address)
    page = context.new_page()
    page.goto("/no-such-page/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Page not found")
    accessible(page, "not-found")
    context.close()
