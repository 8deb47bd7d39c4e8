"""A passkey made and used in a real Chromium, with an authenticator of the browser's own, under the strict policy."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_a_passkey_is_made_and_is_the_whole_of_the_next_sign_in(served, chromium, accessible):
    # A passkey belongs to a name: a bare number is none.
    address = served.address.replace("127.0.0.1", "localhost")
    context = chromium.new_context(base_url=address)
    heard: list[str] = []
    page = context.new_page()
    page.set_default_timeout(20_000)
    # Chromium tells, as information, what it cleared when somebody signed out.
    page.on("console", lambda m: None if m.text.startswith("Clear-Site-Data") else heard.append(m.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
                     "isUserVerified": True, "automaticPresenceSimulation": True}},
    )["authenticatorId"]  # fmt: skip
    name, password = served.accounts["Data officer"]
    page.goto("/sign-in/")
    accessible(page, "sign-in-with-passkey")
    page.locator("#id_login").fill(name)
    page.locator("#id_password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/")
    page.get_by_role("link", name="Your account").click()
    page.get_by_role("link", name="See and add passkeys").click()
    accessible(page, "passkeys")
    page.get_by_role("link", name="Add a passkey").click()
    page.locator("#id_password").fill(password)  # asked for again before a factor is added
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/passkeys/new/")
    accessible(page, "passkey-new")
    page.get_by_label("A name for this passkey").fill("This computer")
    page.get_by_role("button", name="Add a passkey").click()
    page.wait_for_url(re.compile("recovery-codes|second-factor"))
    held = session.send("WebAuthn.getCredentials", {"authenticatorId": made})["credentials"]
    assert len(held) == 1
    assert held[0]["rpId"] == "localhost"
    page.goto("/account/passkeys/")
    expect(page.get_by_role("rowheader", name="This computer")).to_be_visible()
    page.goto("/account/sessions/")
    accessible(page, "sessions")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your day")
    # Refused by its holder, the passkey says so beside its button, and the password is still there.
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in/")
    session.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": made})
    session.send("WebAuthn.addVirtualAuthenticator", {"options": {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": False, "automaticPresenceSimulation": True}})  # fmt: skip
    expect(page.locator("[data-passkey-problem]")).to_be_hidden()
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator("[data-passkey-problem]")).to_be_visible()
    context.close()
    assert not heard, heard
