"""Data quality: the files in force and what is wrong in them, to the people who mend it, and no record astray."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from html import unescape

import pytest
import web_authority as authority

from sightline.web.pages.downloads import safe
from sightline.web.pages.quality import class_of

pytest_plugins = ["web_fixtures"]

EVERY = authority.CHILDREN + 3


def text_of(browser, asked=""):
    return unescape(browser.get(f"/data-quality/{asked}").content.decode())


def rows_of(browser, asked=""):
    answer = browser.get(f"/data-quality/findings.csv{asked}")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/csv")
    assert answer["Content-Disposition"].startswith("attachment")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_figures_files_and_agreement(facts, person, browse):
    text = text_of(browse(person("data_officer")))
    assert re.search(r"Files in force</dt><dd>6<", text)
    errors = 10 + 2  # every fourth child's, and two of the school census
    assert re.search(rf"Errors</dt><dd>{errors}<.*Queries</dt><dd>30<.*Notes</dt><dd>1<", text, re.DOTALL)
    assert f"{EVERY} of {EVERY} findings, page 1 of 1" not in text
    assert f"{EVERY} of {EVERY} findings, the gravest first." in text
    assert re.search(
        r"Social care extract</th>\s*<td[^>]*>40</td><td[^>]*>39</td><td[^>]*>97.5%</td>.*At or above", text
    )
    assert re.search(r"School census</th>\s*<td[^>]*>40</td><td[^>]*>36</td><td[^>]*>90.0%</td>.*Below the bar", text)
    assert re.search(r"CP plan</th>\s*<td[^>]*>8</td><td[^>]*>8</td><td[^>]*>100.0%</td>", text)


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ("?severity=error", 12),
        ("?severity=query", 30),
        ("?rule=long-row", 1),
        ("?severity=error&rule=date-order", 0),
        ("?rule=no-such-rule", EVERY),
        ("?severity=error&page=9", 12),
    ],
)
def test_filters_on_the_page_and_in_the_file_are_the_same(facts, person, browse, asked, number):
    browser = browse(person("data_officer"))
    text = text_of(browser, asked)
    said = f"{number} of {EVERY} findings" if number else "No finding matches."
    assert said in text
    assert len(rows_of(browser, asked)) == number


def test_a_record_of_nobody_in_scope_tells_its_place_and_its_rule_alone(facts, person, browse):
    browser = browse(person("data_officer"))
    for text in (text_of(browser), browser.get("/data-quality/findings.csv").content.decode()):
        assert "Tok999" not in text
        assert "upn-check-letter" in text
        assert "About a record you may not see" in text
    by_rule = {row["Rule"]: row for row in rows_of(browser)}
    assert (by_rule["upn-check-letter"]["Line"], by_rule["upn-check-letter"]["Record"]) == ("77", "")
    assert by_rule["long-row"]["What is wrong"] == "This row has 9 cells and the header 8."
    assert by_rule["long-row"]["Value"] == "", "a line that names nobody may be anybody's"
    assert by_rule["column-missing"]["Value"] == "House"


def test_a_sealed_child_s_finding_tells_its_place_alone(facts, person, browse):
    from sightline.web.people.models import Child, Restriction

    child = Child.objects.get(child_id=authority.child_id(3))
    Restriction.objects.create(child=child, kind="sealed", valid_from=date(2020, 1, 1), reason="test", made_by="test")
    browser = browse(person("virtual_school_head"))
    for text in (text_of(browser), browser.get("/data-quality/findings.csv").content.decode()):
        assert "Tok003" not in text
        assert "Tok004" in text
    assert len(rows_of(browser)) == EVERY


def test_what_is_shown_is_recorded_and_what_is_taken_too(facts, person, browse):
    from sightline.web.audit.models import AccessEntry

    browser = browse(person("data_officer"))
    text_of(browser, "?severity=error")
    rows_of(browser, "?severity=query")
    shown, taken = AccessEntry.objects.order_by("pk")
    assert (shown.action, taken.action) == ("listed", "exported")
    assert set(shown.child_ids) == {authority.child_id(n) for n in range(authority.CHILDREN) if n % 4 == 0}
    assert set(taken.child_ids) == {authority.child_id(n) for n in range(authority.CHILDREN) if n % 4}


def test_no_cell_of_the_file_is_a_formula(facts, person, browse):
    rows = rows_of(browse(person("data_officer")))
    values = [row["Value"] for row in rows if row["Value"] and row["Value"] != "House"]
    assert len(values) == authority.CHILDREN
    assert all(value.startswith("'=Tok") for value in values)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_text_a_spreadsheet_would_run_is_given_an_apostrophe(start):
    assert safe(f"{start}cmd") == f"'{start}cmd"


def test_other_cells_stay_as_they_are():
    assert [safe(v) for v in ("plain", "a=b", 3, None, date(2026, 1, 2))] == ["plain", "a=b", 3, "", "2026-01-02"]


def test_the_match_rate_by_group_is_the_one_the_build_kept(facts, person, browse):
    text = unescape(browse(person("data_officer")).get("/data-quality/").content.decode())
    kept = facts.database.query("SELECT * FROM match_rate WHERE \"by\" = 'plan' AND value = 'CIN plan'").to_pylist()[0]
    row = re.search(r"Match rate by plan</caption>.*?CIN plan</th>(.*?)</tr>", text, re.DOTALL)[1]
    cells = [re.sub("<[^>]+>", "", c).strip() for c in re.findall(r"<td.*?</td>", row, re.DOTALL)]
    assert cells[:3] == [str(kept["children"]), str(kept["found"]), f"{kept['percent']:.1f}%"]
    assert cells[-1] == "Too few to say"
    assert kept["children"] == kept["found"] > 0
    assert "Match rate by sex" in text
    assert "Female" in text


def test_the_page_is_in_the_navigation_of_those_who_may_open_it(facts, person, browse):
    for role in authority.ROLE_OVER:
        text = browse(person(role)).get("/").content.decode()
        assert ("/data-quality/" in text) == (role in {"virtual_school_head", "data_officer"})


@pytest.mark.parametrize(
    ("table", "field", "expected"),
    [
        ("person", "postcode", "location"),
        ("child", "surname", "identity"),
        ("cin_plan", "PersonPostCode", "location"),
        (None, "Ethnicity of pupil", "special category"),
        ("no such table", None, "identity"),
        ("cin_plan", "line", "identity"),
    ],
)
def test_the_class_of_a_value_is_its_field_s_and_never_plainer_than_identity(table, field, expected):
    assert class_of(table, field) == expected


def test_a_value_of_a_class_the_role_may_not_read_says_so(facts, person, browse):
    for role, hidden in (("virtual_school_head", True), ("data_officer", False)):
        browser = browse(person(role))
        values = {row["Record"]: row["Value"] for row in rows_of(browser)}
        assert values["Tok010ref"] == ("Not shared with your role" if hidden else "'=Tok010postcode")
        assert values["Tok011ref"] == "'=Tok011value"
        assert ("Tok010postcode" in text_of(browser)) != hidden


def test_a_kind_of_file_loses_the_name_of_its_list_and_no_other_word(monkeypatch):
    from sightline.web.pages import templating

    assert templating.kind("school-census-pupilonroll") == "School census: pupils on roll"
    assert templating.kind("ssd-cin-plans").startswith("Social care extract: ")
    monkeypatch.setattr(templating, "_kinds", lambda: {"own-kind": "Own list (suspensions)"})
    assert templating.kind("own-kind") == "Own list (suspensions)"
