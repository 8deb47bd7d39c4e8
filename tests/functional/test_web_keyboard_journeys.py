"""People's work from its beginning to its end, with the keys Tab, Enter, Space and letters alone."""

from __future__ import annotations

import re
import time
from datetime import date, timedelta

import pytest
import web_authority as authority
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

MOST_TABS = 150
AT = "e => e === document.activeElement"


def to(page: Page, wanted: Locator) -> None:
    """Tab until the focus is where it is wanted: what no key reaches fails."""
    wanted = wanted.first
    expect(wanted).to_be_visible()
    for _ in range(MOST_TABS):
        if wanted.evaluate(AT):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{MOST_TABS} tabs do not reach {wanted}")


def press(page: Page, wanted: Locator, key: str = "Enter") -> None:
    to(page, wanted)
    page.keyboard.press(key)


def write(page: Page, wanted: Locator, text: str) -> None:
    to(page, wanted)
    page.keyboard.type(text)


def heading(page: Page, text: str | re.Pattern[str]) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def pages(page: Page, name: str) -> Locator:
    return page.get_by_label("Pages").get_by_role("link", name=name, exact=True)


def week_to_a_child(page: Page) -> str:
    """From your day to the week's entries of one reason, and to the child of the first: its name."""
    heading(page, "Your day")
    reason = page.get_by_role("table", name="Reasons in the week’s list").get_by_role("link").first
    said = reason.inner_text()
    press(page, reason)
    expect(page.get_by_role("heading", level=2, name=said, exact=True)).to_be_visible()
    child = page.locator("main tbody th a").first
    name = child.inner_text()
    press(page, child)
    heading(page, name)
    return name


def test_an_adviser_s_monday(visit):
    """Who changed this week, the child it is about, how its weeks went, and the school beside the whole authority."""
    page = visit("Virtual School officer", keyboard=True)
    week_to_a_child(page)
    press(page, page.get_by_label("This child").get_by_role("link", name="Attendance"))
    expect(page.get_by_label("This child").locator("[aria-current=page]")).to_have_text("Attendance")
    press(page, pages(page, "Dashboard"))
    heading(page, "Cohort dashboard")
    to(page, page.get_by_label("Break down by"))
    page.keyboard.type("School")
    press(page, page.get_by_role("button", name="Apply filters"))
    expect(page.locator("main")).to_contain_text("Invented School 1")
    press(page, page.locator("main thead a", has_text="Children"))
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Children")
    assert page.evaluate("document.activeElement.id").startswith("sort-")


def test_a_social_worker_s_monday(visit):
    """Each child of the caseload in order of attendance, the worst of them opened, and back to the list."""
    page = visit("Social worker", keyboard=True)
    week_to_a_child(page)
    press(page, page.get_by_label("Back").get_by_role("link"))
    heading(page, "Your children")
    press(page, page.locator("#sort-attendance"))
    expect(page.locator("#count")).to_contain_text("in order of attendance")
    assert page.evaluate("document.activeElement.id") == "sort-attendance"
    press(page, page.locator("#results tbody th a").first)
    expect(page.locator("main")).to_contain_text("That you opened this page has been recorded.")


def test_a_safeguarding_lead_s_monday(visit):
    """Whose plan began or ended, who the worker is now, and the question about the school's own register answered."""
    page = visit("School safeguarding lead", keyboard=True)
    week_to_a_child(page)
    expect(page.locator("main")).to_contain_text("Worker")
    press(page, pages(page, "Your day"))
    press(page, page.get_by_role("table", name="What waits for you").get_by_role("link").first)
    press(page, page.locator('main a[href*="/exceptions/one/"]').first)
    press(page, page.locator("main form input[type=radio]").first, "Space")
    write(page, page.locator("main form textarea, main form input[type=text]").first, "Our register is right")
    press(page, page.locator("main form button").first)
    expect(page.locator("main")).to_contain_text("Our register is right")


def test_a_head_s_monday(visit):
    """The school's pupils with a plan beside the others, the lowest attendance first, and one pupil."""
    page = visit("Headteacher", keyboard=True)
    press(page, pages(page, "Your school"))
    heading(page, "Invented School 1")
    press(page, page.locator("main thead a", has_text="Attendance"))
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Attendance")
    assert page.evaluate("document.activeElement.id").startswith("sort-")
    child = page.locator("#tables tbody th a").first
    name = child.inner_text()
    press(page, child)
    heading(page, name)


def test_information_governance_s_monday(visit):
    """What stands out in the logs, a sample to review, and no child anywhere."""
    page = visit("Information governance", keyboard=True)
    heading(page, "Your day")
    press(page, page.locator("main").get_by_role("link", name=re.compile("stand out in the logs")))
    heading(page, "Access review")
    to(page, page.locator("main form select").first)
    page.keyboard.press("ArrowDown")
    press(page, page.locator("main form button").first)
    heading(page, "Access review")
    press(page, pages(page, "Your day"))
    press(page, page.locator("main").get_by_role("link", name=re.compile("sample")).first)
    heading(page, re.compile("sample", re.IGNORECASE))
    assert "Tok" not in page.content()


def test_a_record_opened_in_an_emergency_is_seen_by_the_head_at_once(visit, accessible):
    """Refused without a reason; opened with one; and the Virtual School Head is told and says so."""
    page = visit("Team manager", keyboard=True)
    press(page, page.get_by_role("link", name="Your account"))
    press(page, page.get_by_role("link", name="Open a record in an emergency"))
    heading(page, "Open a record in an emergency")
    press(page, page.get_by_role("button", name="Open the record"))
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    expect(page.locator(".govuk-error-summary")).to_be_focused()
    other = min(set(range(authority.CHILDREN)) - authority.children(team=0))
    write(page, page.get_by_label("Surname"), authority.token(other, "surname"))
    write(page, page.get_by_label("Date of birth"), f"{1 + other % 28}/3/{2026 - 6 - other % 9}")
    write(page, page.get_by_label("Why this cannot wait"), "the police ask for the school at once")
    press(page, page.get_by_role("button", name="Open the record"))
    page.wait_for_url(re.compile("/children/"))
    expect(page.locator("main")).to_contain_text("That you opened this page has been recorded.")
    accessible(page, "break-glass-child")
    head = visit("Virtual School Head", keyboard=True)
    press(head, head.get_by_role("link", name="See by whom and why"))
    expect(head.locator("main")).to_contain_text("the police ask for the school at once")
    press(head, head.get_by_role("button", name="I have seen this"))
    expect(head.get_by_role("button", name="I have seen this")).to_have_count(0)


def test_a_data_officer_s_monday(visit):
    """What waits, first: an exception read and decided, and a batch sent to its owner."""
    page = visit("Data officer", keyboard=True)
    heading(page, "Your day")
    press(page, page.get_by_role("table", name="What waits for you").get_by_role("link", name="overdue"))
    press(page, page.locator('main a[href*="/exceptions/one/"]').first)
    page.wait_for_url("**/exceptions/one/*/")
    press(page, page.locator("main form input[type=radio]").first, "Space")
    write(page, page.locator("main form textarea, main form input[type=text]").first, "Asked by telephone")
    press(page, page.locator("main form button").first)
    expect(page.locator("main")).to_contain_text("Asked by telephone")
    press(page, pages(page, "Exceptions"))
    press(page, page.locator("main").get_by_role("link", name=re.compile("[Bb]atches")))
    heading(page, re.compile("[Bb]atches"))


def test_a_first_sign_in_with_a_second_factor(visit, accessible):
    """Proposed by one, approved by another, invited; a password chosen, codes set up, and in with a code."""
    from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

    page = visit("Administrator", keyboard=True)
    press(page, pages(page, "People"))
    write(page, page.get_by_label("Name", exact=True), "Bel Newcomer")
    write(page, page.get_by_label("Email address"), "bel@sightline.example")
    write(page, page.get_by_label("User name"), "bel")
    press(page, page.get_by_role("button", name="Add the person"))
    heading(page, "Bel Newcomer")
    to(page, page.get_by_label("Role", exact=True))
    page.keyboard.type("Governor")
    to(page, page.get_by_label("Whom it is over"))
    page.keyboard.type("authority")
    until = date.today() + timedelta(days=100)
    write(page, page.get_by_label("First day without the role"), f"{until.day}/{until.month}/{until.year}")
    write(page, page.get_by_label("Why"), "joins the corporate parenting panel")
    press(page, page.get_by_role("button", name="Propose", exact=True))
    expect(page.get_by_text("Waits for a second person")).to_be_visible()
    head = visit("Virtual School Head", keyboard=True)
    press(head, head.locator("main").get_by_role("link", name="Roles that wait for a second person"))
    press(head, head.get_by_role("button", name="Approve Bel Newcomer"))
    expect(head.get_by_text("/invitation/")).to_be_visible()
    link = re.search(r"/invitation/[\w-]+/", head.locator("main").inner_text())
    assert link
    new = visit(keyboard=True)
    new.goto(link[0])
    for label in ("Password", "Password again"):
        write(new, new.get_by_label(label, exact=True), authority.PASSWORD)
    press(new, new.locator("main form button[type=submit]").last)
    heading(new, "Sign in")
    write(new, new.locator("#id_login"), "bel")
    write(new, new.locator("#id_password"), authority.PASSWORD)
    new.keyboard.press("Enter")
    heading(new, "Your day")
    press(new, new.get_by_role("link", name="Your account"))
    press(new, new.get_by_role("link", name="Set it up"))
    heading(new, "Give your password again")
    accessible(new, "password-again")
    write(new, new.locator("#id_password"), authority.PASSWORD)
    new.keyboard.press("Enter")
    heading(new, "Set up your second factor")
    accessible(new, "second-factor-set-up")
    secret = new.locator(".app-secret").inner_text()
    write(new, new.get_by_label("Code"), format_hotp_value(hotp_value(secret, int(time.time()) // 30)))
    new.keyboard.press("Enter")
    heading(new, "Recovery codes")
    accessible(new, "recovery-codes")
    recovery = new.locator("main li code").first.inner_text()
    press(new, new.get_by_role("button", name="Sign out"))
    write(new, new.locator("#id_login"), "bel")
    write(new, new.locator("#id_password"), authority.PASSWORD)
    new.keyboard.press("Enter")
    heading(new, "Enter your code")
    accessible(new, "enter-your-code")
    write(new, new.get_by_label("Code"), recovery)
    new.keyboard.press("Enter")
    heading(new, "Your day")
