"""Schools side by side: a trust's own, and every school for the authority; the same figures as on each school's page."""

from __future__ import annotations

import re
from html import unescape

import pyarrow as pa
import pytest
import web_authority as authority

from sightline.vocabulary.periods import academic_year

pytest_plugins = ["web_fixtures"]
OTHERS = 20


def with_others():
    """The authority with so many other pupils at each school, of whom some are suspended, and many on plans at one."""
    held = authority.tables()
    year, first = academic_year(authority.AS_AT), held["register_year"].to_pylist()
    added = [
        {"child_id": f"pupil-{urn}-{n}", "urn": urn, "year": year, "possible": 100, "authorised": 0, "unauthorised": 5}
        for urn in authority.SCHOOLS
        for n in range(OTHERS)
    ]
    out = [
        {"child_id": f"pupil-{authority.SCHOOLS[0]}-{n}", "urn": authority.SCHOOLS[0], "start_date": authority.AS_AT,
         "category": "SUSP", "delivery": "d-susp"}
        for n in range(8)
    ] * 2  # fmt: skip
    for name, rows in (("register_year", first + added), ("exclusion", held["exclusion"].to_pylist() + out)):
        held[name] = pa.Table.from_pylist(rows, held[name].schema)
    return held


def rows_of(browser, where):
    answer = browser.get(where)
    assert answer.status_code == 200
    text = unescape(answer.content.decode())
    assert "Tok" not in text
    table = re.search(r"beside the other pupils</caption>.*?</table>", text, re.DOTALL)[0]
    plain = [
        [re.sub("<[^>]+>", "", c).strip() for c in re.findall(r"<t[dh].*?</t[dh]>", row, re.DOTALL)]
        for row in re.findall(r"<tr.*?</tr>", table, re.DOTALL)[1:]
    ]
    return {name: cells for name, *cells in plain}


def test_a_trust_lead_sees_the_trust_s_schools_and_the_authority_every_school(facts, person, browse):
    mine = rows_of(browse(person("trust_lead")), "/trust/")
    assert set(mine) == {f"Invented School {n + 1}" for n in authority.TRUST_SCHOOLS}
    every = rows_of(browse(person("virtual_school_head")), "/schools/")
    assert set(every) == {f"Invented School {n + 1}" for n in range(4)}
    for n in range(4):
        expected = len(authority.on_plan(authority.children(school=n)))
        assert every[f"Invented School {n + 1}"][0] == str(expected)
        assert mine.get(f"Invented School {n + 1}", [str(expected)])[0] == str(expected)
    assert [int(cells[0]) for cells in every.values()] == sorted((int(c[0]) for c in every.values()), reverse=True)


@pytest.mark.parametrize("role", authority.ROLE_OVER)
def test_nobody_else_opens_them(facts, person, browse, role):
    browser = browse(person(role))
    assert browser.get("/trust/").status_code == (200 if role == "trust_lead" else 403)
    assert browser.get("/schools/").status_code == (200 if role in {"virtual_school_head", "officer"} else 403)


def test_the_figures_are_those_of_the_school_s_own_page(facts_of, person, browse):
    facts_of(with_others())
    browser = browse(person("virtual_school_head"))
    every = rows_of(browser, "/schools/")
    page = unescape(browser.get(f"/schools/{authority.SCHOOLS[0]}/").content.decode())
    table = re.search(r"Pupils with a plan beside the other pupils</caption>.*?</table>", page, re.DOTALL)[0]
    own = {
        cells[0]: cells[1:]
        for cells in (
            [re.sub("<[^>]+>", "", c).strip() for c in re.findall(r"<t[dh].*?</t[dh]>", row, re.DOTALL)]
            for row in re.findall(r"<tr.*?</tr>", table, re.DOTALL)[1:]
        )
    }
    row = every["Invented School 1"]
    assert row[2:4] == own["Absence, % of possible sessions"]
    assert row[5:7] == own["Suspended at least once, % of pupils"]
    pupils = [int(n) for n in own["Pupils in the registers"]]
    assert row[1] == f"{100 * pupils[0] / sum(pupils):.1f}%"
    assert row[4] == f"{float(row[2][:-1]) / float(row[3][:-1]):.1f}"
    assert row[6] == "52.0%", (
        "thirteen of 25 without a plan (one of them on Early Help), a pupil suspended twice being one"
    )
    assert row[8] == "5 Oct 2026"


def test_small_groups_have_no_figures(facts, person, browse):
    for cells in rows_of(browse(person("trust_lead")), "/trust/").values():
        assert cells[3] == cells[6] == "Too few", "fewer than six other pupils are at each school"
        assert cells[1] == cells[4] == cells[7] == "Too few"


def test_no_child_is_listed_and_that_it_was_opened_is_recorded(facts, person, browse):
    from sightline.web.audit.models import AccessEntry

    rows_of(browse(person("trust_lead")), "/trust/")
    entry = AccessEntry.objects.get()
    assert (entry.action, entry.page, list(entry.child_ids)) == ("listed", "trust", [])


def test_they_are_ordered_and_filtered(facts_of, person, browse):
    facts_of(with_others())
    browser = browse(person("officer"))
    names = list(rows_of(browser, "/schools/?sort-schools=1"))
    assert names == sorted(names)
    shares = [c[1] for c in rows_of(browser, "/schools/?sort-schools=-3").values()]
    known = [float(s[:-1]) for s in shares if s != "Too few"]
    assert known == sorted(known, reverse=True)
    assert shares[: len(known)] == [f"{s:.1f}%" for s in known]
    assert set(rows_of(browser, "/schools/?phase=Primary")) == {"Invented School 1", "Invented School 3"}
