"""Dates that people type: one way in everywhere, day first, with what would be right where one is none."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import lxml.html
import pytest
from django.http import QueryDict

import sightline.web
from sightline.vocabulary.dates import RIGHT_DAY, as_typed, typed_day

pytest_plugins = ["web_fixtures"]
THE_DAY = date(2024, 9, 5)


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("5 9 2024", THE_DAY), (" 05/09/2024 ", THE_DAY), ("5.9.2024", THE_DAY), ("5-9-2024", THE_DAY),
        ("5 / 9 / 2024", THE_DAY), ("5 September 2024", THE_DAY), ("5th Sep 2024", THE_DAY), ("5-sept-2024", THE_DAY),
        ("2024-09-05", THE_DAY), ("29 2 2024", date(2024, 2, 29)), ("29 2 2023", None), ("9/31/2015", None),
        ("5 9 24", None), ("5 9 0024", None), ("5 Smarch 2024", None), ("5 ma 2024", None), ("soon", None), ("", None),
        ("\u0665 9 2024", None),
    ],
)  # fmt: skip
def test_a_day_is_read_as_people_write_it_and_never_month_first(said, day):
    assert typed_day(said) == day
    assert day is None or typed_day(as_typed(day)) == day


def test_no_page_asks_for_a_date_in_the_browser_s_own_way():
    templates = Path(sightline.web.__file__).parent / "templates"
    assert not [p.name for p in templates.rglob("*.html") if re.search(r"""type=["']?(date|{{ *kind)""", p.read_text())]


@pytest.mark.parametrize(
    ("role", "address", "posted", "field"),
    [
        ("virtual_school_head", "/moves/?since=5+Smarch", None, "since"),
        ("virtual_school_head", "/recorded-late/?since=31+2+2026", None, "since"),
        ("virtual_school_head", "/recorded-late/?since=1+1+1999", None, "since"),
        ("information_governance", "/access/?last=soon", None, "last"),
        ("virtual_school_head", "/figures/", {"second_day": "soon"}, "second_day"),
        ("information_governance", "/data-sharing/", {"signed": "soon"}, "signed"),
        ("virtual_school_head", "/data-access/", {"reviewed": "soon", "attendance_current": "Neither"}, "reviewed"),
    ],
)
def test_a_date_that_is_none_is_told_beside_its_field_how_to_write_it(
    facts, person, browse, role, address, posted, field
):
    browser = browse(person(role))
    answer = browser.get(address) if posted is None else browser.post(address, posted)
    page = lxml.html.document_fromstring(answer.content.decode())
    assert page.findtext(".//title").startswith("Error: ")
    (asked,) = page.xpath(f"//input[@id='{field}']")
    said = " ".join(page.get_element_by_id(part).text_content() for part in asked.get("aria-describedby").split())
    assert "For example, 27 3 2019" in said
    assert RIGHT_DAY[1:] in said or "ten years" in said
    assert page.xpath(f"//*[@role='alert']//a[@href='#{field}']")
    typed = QueryDict(address.partition("?")[2]) if posted is None else posted
    assert asked.get("value") == typed[field], "what was typed stays"
