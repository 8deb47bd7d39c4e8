"""The self-review of access to data: rated, repeated, held against what the data show, and kept for ever."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import UTC, date, datetime, timedelta
from html import unescape

import pytest
import web_authority as authority
from spec_tables import database

from sightline.disclosure import LOCAL
from sightline.operations import Home, Opened, Scope
from sightline.operations.keeping import self_review as review
from sightline.vocabulary.data_access import ANSWERS, AREAS, COHORTS, CURRENT, EVER_6, answered
from sightline.vocabulary.errors import BadSetting, NotAllowed
from sightline.vocabulary.settings import Settings
from sightline.web import facts as module

pytest_plugins = ["web_fixtures"]
NOW = datetime(2024, 10, 21, 9, tzinfo=UTC)
ON = date(2024, 10, 18)


@pytest.fixture
def home(tmp_path):
    return Home.open(tmp_path / "home")


def test_the_report_s_counts_are_of_105_virtual_schools_and_its_agreement_is_theirs():
    assert {answered(c, a).schools for c in COHORTS for a in AREAS} == {105}
    assert answered(CURRENT, "attendance").agree == pytest.approx(80.0)
    assert answered(EVER_6, "school_moves").counts == (44, 25, 16, 14, 6)


def test_the_last_answer_of_each_area_stands_beside_the_one_before_whatever_was_left_out_between(home):
    for day, told in (
        ("2024-01-15", {"attendance_current": "Neither", "attainment_ever_6": "Strongly disagree"}),
        ("2024-05-20", {"attendance_current": "Somewhat agree"}),
        ("2024-10-18", {"attendance_current": "Somewhat disagree", "attainment_ever_6": "Strongly disagree"}),
        ("2023-09-01", {"attendance_current": "Strongly agree"}),  # kept last, and of an earlier day
    ):
        review.keep_review(home, {"reviewed": day, **told}, by="T", at=NOW)
    rows = {(r.cohort, r.area): r for r in review.ratings(review.reviews(home, on=NOW.date()), {})}
    attendance, attainment = rows[CURRENT, "attendance"], rows[EVER_6, "attainment"]
    assert (attendance.answer, attendance.before, attendance.change) == ("Somewhat disagree", "Somewhat agree", -2)
    assert (attainment.before_on, attainment.change) == (date(2024, 1, 15), 0)
    assert rows[EVER_6, "suspension"].answer is None
    assert [review.change_in_words(n) for n in (-2, 0, 1, None)] == ["Down 2", "The same", "Up 1", ""]


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"reviewed": "2024-10-18"}, "at least one area"),
        ({"attendance_current": "Neither"}, "Still needed: Reviewed on"),
        ({"reviewed": "2024-10-22", "attendance_current": "Neither"}, "an earlier day"),
        ({"reviewed": "soon", "attendance_current": "Neither"}, "Reviewed on: write the date as 5 9 2024"),
        ({"reviewed": "2024-10-18", "attendance_current": "Good"}, "one of: Strongly disagree"),
    ],
)
def test_a_review_that_is_not_right_is_refused_and_nothing_is_kept(home, told, says):
    with pytest.raises(BadSetting, match=says):
        review.keep_review(home, told, by="T", at=NOW)
    assert review.reviews(home, on=NOW.date()) == []


def test_a_corrected_review_is_a_version_and_another_s_id_is_none(home):
    made = review.keep_review(home, {"reviewed": "2024-10-18", "attendance_current": "Neither"}, by="T", at=NOW)
    later = NOW + timedelta(days=1)
    review.keep_review(home, {"attendance_current": "Somewhat agree", "repeat": "2024-10-22"}, by="U", at=later,
                       entry_id=made)  # fmt: skip
    (row,) = review.reviews(home, on=later.date())
    assert (row["attendance_current"], row["versions"], row["state"]) == ("Somewhat agree", 2, "to be repeated")
    with pytest.raises(NotAllowed):
        review.keep_review(home, {"reviewed": "2024-10-18"}, by="T", at=NOW, entry_id="nobody")


# A is marked in both of the latest school weeks; B's marks stopped; C is known to no school; D came off a plan; E is
# fourteen weeks old. The week of 21 October is half term, when one school of two was open.
TABLES = {
    "person": """
        child_id | birth_date
        ---------+-----------
        A        | 2012-03-01
        B        | 2012-03-01
        C        | 2012-03-01
        D        | 2012-03-01
        E        | 2024-07-01
        """,
    "status_period": """
        child_id | status   | start_date | end_date
        ---------+----------+------------+-----------
        A        | CP plan  | 2024-01-08 |
        B        | CIN plan | 2024-01-08 |
        C        | CIN plan | 2024-01-08 |
        D        | CIN plan | 2023-01-08 | 2024-02-01
        E        | CP plan  | 2024-07-08 |
        """,
    "enrolment_period": """
        child_id | urn    | start_date | end_date   | by_marks
        ---------+--------+------------+------------+---------
        A        | 900001 | 2023-09-01 |            | false
        B        | 900001 | 2023-09-01 |            | true
        D        | 900002 | 2023-09-01 | 2024-07-31 | false
        """,
    "register_week": """
        child_id | urn    | week       | possible
        ---------+--------+------------+---------
        A        | 900001 | 2024-09-09 | 10
        A        | 900001 | 2024-10-07 | 10
        A        | 900001 | 2024-10-14 | 10
        B        | 900001 | 2024-09-09 | 10
        D        | 900002 | 2024-10-14 | 10
        """,
    "register_school_week": """
        urn    | week       | pupils | possible
        -------+------------+--------+---------
        900001 | 2024-09-09 | 100    | 1000
        900001 | 2024-10-07 | 100    | 1000
        900001 | 2024-10-14 | 100    | 1000
        900002 | 2024-10-21 | 10     | 100
        """,
    "attainment": """
        pupil_ref | stage | year | subject
        ----------+-------+------+--------
        A         | KS2   | 2023 | RE
        """,
    "exclusion": """
        child_id | urn    | start_date | category
        ---------+--------+------------+---------
        X        | 900001 | 2024-10-16 | SUSP
        """,
}
SHOWN = """
    attendance           | 33.3 | 100
    persistent_absence   | 33.3 | 0
    attainment           | 33.3 | 0
    suspension           | 66.7 | 100
    permanent_exclusions | 66.7 | 100
    school_moves         | 33.3 | 0
    """


def opened():
    return Opened("s", database(**TABLES), Settings(), ON, {"ssd": ON, "marks": ON})


def test_what_the_data_show_is_counted_of_the_children_of_school_age():
    found = review.evidence(opened(), Scope.everyone(), ON)
    for line in SHOWN.strip().splitlines():
        area, current, ever_6 = (cell.strip() for cell in line.split("|"))
        assert f"{found[CURRENT, area].percent:.1f}" == current, area
        assert f"{found[EVER_6, area].percent:.0f}" == ever_6, area
        assert (found[CURRENT, area].children, found[EVER_6, area].children) == (3, 1), area
    assert found[CURRENT, "attendance"].newest == date(2024, 10, 25)
    assert found[CURRENT, "suspension"].newest == date(2024, 10, 16)
    assert found[CURRENT, "permanent_exclusions"].newest is None


def test_a_share_is_of_the_scope_and_few_children_are_told_of_to_nobody_who_sees_figures_alone():
    held = opened()
    assert review.evidence(held, Scope.of(["A"]), ON)[CURRENT, "attendance"].percent == 100
    few = review.evidence(held, Scope.everyone(), ON, policy=LOCAL)
    assert {(e.children, e.percent) for e in few.values()} == {(None, None)}
    assert review.shown_of(20, 3, "", None, LOCAL).percent is None, "three are told of by the rest"
    assert review.shown_of(20, 17, "", None, LOCAL).percent is None
    assert review.shown_of(20, 10, "", None, LOCAL).percent == 50
    assert review.shown_of(20, 17, "", None, None).percent == 85


# The page


FORM = {"reviewed": "2026-10-01", "attendance_current": ANSWERS[3], "note": "One trust sends no marks"}


def test_a_review_kept_on_the_page_shows_its_change_and_can_be_corrected(facts, person, browse):
    browser = browse(person("data_officer"))
    assert "No review has been kept yet" in browser.get("/data-access/").content.decode()
    assert (
        browser.post("/data-access/", {**FORM, "reviewed": "2026-07-01", "attendance_current": ANSWERS[0]}).status_code
        == 302
    )
    assert browser.post("/data-access/", FORM).status_code == 302
    text = unescape(browser.get("/data-access/").content.decode())
    row = re.search(r"<tr[^>]*><th[^>]*>Attendance</th>.*?</tr>", text, re.DOTALL)[0]
    assert re.findall(r"<td[^>]*>(?:<span[^>]*>)?([^<]*)", row)[:4] == [ANSWERS[3], "1 Oct 2026", ANSWERS[0], "Up 3"]
    assert "One trust sends no marks" in text
    (newest, _) = review.reviews(module.home(), on=date(2026, 10, 12))
    assert browser.post("/data-access/", {"id": newest["id"], **FORM, "note": "Solved"}).status_code == 302
    assert review.reviews(module.home(), on=date(2026, 10, 12))[0]["versions"] == 2
    assert "at least one area" in browser.post("/data-access/", {"reviewed": "2026-10-01"}).content.decode()
    assert browser.get("/data-access/?id=nobody").status_code == 404


def test_the_workbook_holds_what_the_page_shows(facts, person, browse):
    answer = browse(person("virtual_school_head")).get("/data-access/workbook/?form=zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = archive.namelist()
        rows = list(csv.reader(io.StringIO(archive.read(names[1]).decode("utf-8-sig"))))
    assert len(names) == 5
    assert [r[0] for r in rows[1:]] == list(AREAS.values())
    assert float(rows[1][5]) == 100.0, "every child of the authority has marks"


def test_an_officer_who_opens_no_child_reads_no_figure_of_few(facts, person, browse):
    text = browse(person("officer")).get("/data-access/").content.decode()
    assert '<form method="post" action="/data-access/"' not in text
    assert authority.token(0, "surname") not in text
