"""The calendar of a child's sessions: each code as it stood on its day, counted as the vocabulary counts it."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import unescape

import pytest
import web_authority as authority
from hypothesis import given
from hypothesis import strategies as st

from sightline.vocabulary.attendance import Counts, counts, pack
from sightline.vocabulary.codes import code_list
from sightline.web.pages.sessions import legend_of, mark_of, patterns_of, terms_of, week_of

pytest_plugins = ["web_fixtures"]

MONDAY = date(2026, 9, 7)
PACKED = sorted({code.more["packed"] for code in code_list("attendance")})


def row(marks, week=MONDAY, school="Invented School 1"):
    found = counts(marks, week)
    return {
        "week": week, "marks": marks, "school_name": school, "urn": "990001", "possible": found.possible,
        "authorised": found.authorised, "unauthorised": found.unauthorised,
    }  # fmt: skip


@given(st.lists(st.sampled_from([*PACKED, "."]), min_size=10, max_size=14), st.integers(0, 500))
def test_half_days_of_the_week_add_up_to_what_the_vocabulary_counts(marks, weeks):
    week = date(2020, 1, 6) + timedelta(weeks=weeks)
    text = "".join(marks)
    patterns = patterns_of((week_of(row(text, week)),))
    total = counts(text, week)
    assert sum(p.possible for p in patterns) == total.possible
    assert sum(p.missed for p in patterns) == total.absent
    assert sum(p.unauthorised for p in patterns) == total.unauthorised
    for slot, pattern in enumerate(patterns):
        alone = counts("." * slot + text[slot : slot + 1], week) if slot < len(text) else Counts()
        assert (pattern.possible, pattern.missed) == (alone.possible, alone.absent)


def test_a_code_is_told_as_it_stood_on_its_day():
    interview = pack("J", date(2024, 6, 3))
    assert mark_of(interview, date(2024, 6, 3)).counts_as == "approved"
    after = mark_of(interview, date(2024, 10, 7))
    assert not after.possible
    assert after.counts_as == "not counted"
    assert mark_of(".", MONDAY).meaning == "No mark"
    with pytest.raises(ValueError, match="not a packed"):
        mark_of("\u2603", MONDAY)


def test_weeks_are_by_term_the_newest_first_and_a_weekend_is_drawn_where_it_is_marked():
    weeks = [
        row("/" * 10, MONDAY),
        row("/" * 10, date(2026, 6, 8)),
        row("/" * 10, date(2026, 5, 4)),
        row("/" * 10, date(2026, 2, 2)),
    ]
    terms = terms_of(weeks)
    assert [t.name for t in terms] == ["Autumn term 2026/27", "Summer term 2025/26", "Spring term 2025/26"]
    assert [len(t.weeks) for t in terms] == [1, 2, 1]
    assert len(terms[0].patterns) == 10
    assert len(terms_of([row("/" * 10 + "....")])[0].patterns) == 10
    assert len(terms_of([row("/" * 10 + "/.")])[0].patterns) == 12
    assert terms_of([]) == ()


def test_the_legend_holds_each_code_that_stands_in_the_calendar_and_no_other():
    packed = [pack(code, MONDAY) for code in ("/", "\\", "O", "I")]
    legend = legend_of(terms_of([row("".join(packed * 2) + "..")]))
    assert [m.code for m in legend] == [
        c for c in dict.fromkeys(c.code for c in code_list("attendance")) if c in "/\\OI"
    ]


def page_of(browser, n):
    from sightline.web.people.models import Child

    child = Child.objects.get(child_id=authority.child_id(n))
    answer = browser.get(f"/children/{child.public_id}/attendance/")
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def test_each_session_has_its_letter_and_its_words(facts, person, browse):
    text = page_of(browse(person("officer")), 3)
    assert "Autumn term 2026/27" in text
    assert "Spring term 2025/26" in text or "Summer term 2025/26" in text
    newest = re.search(r"<tr[^>]*><th scope=\"row\"[^>]*>5 Oct 2026</th>.*?</tr>", text, re.DOTALL)[0]
    cells = re.findall(r'<td class="[^"]*app-mark app-mark--(\w+)">(.*?)</td>', newest, re.DOTALL)
    assert len(cells) == 10
    week = date(2026, 10, 5)
    expected = [mark_of(mark, week + timedelta(days=slot // 2)) for slot, mark in enumerate(authority._marks(3, week))]
    assert [drawn for drawn, _ in cells] == [m.drawn for m in expected]
    for (_, cell), mark in zip(cells, expected, strict=True):
        assert f'<span aria-hidden="true">{mark.code}</span>' in cell
        assert mark.meaning in cell
    assert "unauthorised" in {m.drawn for m in expected}


def test_a_child_without_marks_is_told_so(facts_of, person, browse):
    held = authority.tables()
    held["register_week"] = held["register_week"].slice(0, 0)
    facts_of(held)
    assert "No attendance marks have been received" in page_of(browse(person("officer")), 0)


def test_a_school_reads_its_own_registers_alone(facts_of, person, browse):
    import pyarrow as pa

    held = authority.tables()
    rows = held["register_week"].to_pylist()
    other = [
        {**r, "urn": authority.SCHOOLS[1], "marks": "O" * 10} for r in rows if r["child_id"] == authority.child_id(0)
    ]
    held["register_week"] = pa.Table.from_pylist(rows + other, schema=held["register_week"].schema)
    facts_of(held)
    assert "Invented School 2" in page_of(browse(person("officer")), 0)
    own = page_of(browse(person("school_lead")), 0)
    assert "Invented School 2" not in own
    assert "app-mark--unauthorised" not in own
    assert "your own school" in own


def test_opening_it_is_recorded_as_education(facts, person, browse):
    from sightline.web.audit.models import AccessEntry

    page_of(browse(person("social_worker")), 0)
    entry = AccessEntry.objects.get()
    assert (entry.action, entry.page, entry.field_classes) == ("viewed", "child_attendance", ["education", "identity"])
