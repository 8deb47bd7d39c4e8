"""Tables that sort by the address, and what is taken away of them: what is hidden stays hidden, in place and in words."""

from __future__ import annotations

import csv
import io
import re
import zipfile

import pytest
import python_calamine
import web_authority as authority
from django.http import QueryDict

from sightline.operations.sheets import Book, Grid, csvs
from sightline.web.pages.tables import Sorting
from sightline.web.pages.team import key_of

pytest_plugins = ["web_fixtures"]
GRID = Grid(
    "Groups", "Groups", ("Group", "Children"),
    (("All", 40), ("Year 10", 7), ("year 2", "c"), ("=Year 1", 12), ("Year 3", 7), ("Year 4", None)), whole="All",
)  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "order"),
    [
        ("", ["All", "Year 10", "year 2", "=Year 1", "Year 3", "Year 4"]),
        ("2", ["All", "Year 10", "Year 3", "=Year 1", "year 2", "Year 4"]),
        ("-2", ["All", "=Year 1", "Year 10", "Year 3", "year 2", "Year 4"]),
        ("1", ["All", "=Year 1", "year 2", "Year 3", "Year 4", "Year 10"]),
        ("9", ["All", "Year 10", "year 2", "=Year 1", "Year 3", "Year 4"]),
        ("x", ["All", "Year 10", "year 2", "=Year 1", "Year 3", "Year 4"]),
        ("9" * 5000, ["All", "Year 10", "year 2", "=Year 1", "Year 3", "Year 4"]),
    ],
)
def test_rows_are_sorted_by_what_is_shown_and_what_is_hidden_comes_last(asked, order):
    sorting = Sorting(QueryDict(f"sort-groups={asked}&by=year"))
    assert [row[0] for row in sorting.grid("groups", GRID).rows] == order
    assert sorting.grid("another", GRID) is GRID


def test_a_heading_sorts_upwards_then_downwards_then_not_and_keeps_the_rest_of_the_address():
    for asked, way, after in (
        ("", "none", "?by=year&sort-groups=2"),
        ("sort-groups=2", "ascending", "?by=year&sort-groups=-2"),
        ("sort-groups=-2", "descending", "?by=year"),
    ):
        sorting = Sorting(QueryDict(f"by=year&page=3&{asked}"))
        assert (sorting.way("groups", 2), sorting.address("groups", 2)) == (way, after)
    assert "sort-other=1" in Sorting(QueryDict("sort-other=1")).address("groups", 2), (
        "the other tables stay as they are"
    )


def test_csv_files_have_a_cover_and_nothing_that_is_run():
    book = Book("Figures", (("Read this first", "Not for others"),), (GRID,))
    with zipfile.ZipFile(io.BytesIO(csvs(book))) as held:
        told = {n: list(csv.reader(io.StringIO(held.read(n).decode("utf-8-sig")))) for n in held.namelist()}
    assert list(told) == ["0 Cover.csv", "1 Groups.csv"]
    assert told["0 Cover.csv"][:2] == [["Figures", ""], ["Read this first", "Not for others"]]
    assert told["1 Groups.csv"] == [["Group", "Children"], ["All", "40"], ["Year 10", "7"], ["year 2", "c"],
                                    ["'=Year 1", "12"], ["Year 3", "7"], ["Year 4", ""]]  # fmt: skip
    assert csvs(book) == csvs(book)


def test_the_tables_of_a_page_sort_without_a_script(facts, person, browse):
    client = browse(person("virtual_school_head"))

    def names(path):
        text = client.get(path).content.decode()
        table = text.split('aria-label="By school, table"')[1].split("</table>")[0]
        return re.findall(r'<th scope="row"[^>]*>(?:<a[^>]*>)?([^<]+)', table), table

    plain, table = names("/dashboard/?by=school")
    there = re.search(r'id="sort-groups-1" href="([^"]+)"', table)[1].replace("&amp;", "&")
    upwards, _ = names(f"/dashboard/{there}")
    downwards, table = names(f"/dashboard/{there.replace('groups=1', 'groups=-1')}")
    assert sorted(plain) == upwards == downwards[::-1]
    assert 'aria-sort="descending"' in table
    for name, address in re.findall(r'<a class="govuk-link" href="([^"]+school=[^"]+)">(Invented School \d)<', table):
        assert f"school={authority.SCHOOLS[int(address[-1]) - 1]}" in name, "each group's link goes with its row"


PAGES = (
    ("virtual_school_head", f"/schools/{authority.SCHOOLS[0]}/", "Beside others"),
    ("headteacher", f"/schools/{authority.SCHOOLS[0]}/", "Beside others"),
    ("trust_lead", "/trust/", "Schools"),
    ("officer", "/schools/", "Schools"),
    ("team_manager", f"/teams/{key_of('team', authority.TEAMS[0])}/", "Beside last year"),
)


@pytest.mark.parametrize(("role", "path", "sheet"), PAGES, ids=[role for role, _, _ in PAGES])
def test_the_figures_of_a_page_are_taken_away_as_they_are_shown(facts, person, browse, role, path, sheet):
    from sightline.web.audit.models import AccessEntry

    client = browse(person(role))
    text = client.get(path).content.decode()
    links = [a.replace("&amp;", "&") for a in re.findall(r'href="([^"]+/workbook/\?[^"]*form=[a-z]+)"', text)]
    assert [link.rpartition("=")[2] for link in links] == ["xlsx", "ods", "zip"]
    books = [client.get(link) for link in links]
    assert [b.status_code for b in books] == [200, 200, 200]
    held = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(books[0].content))
    cells = {name: held.get_sheet_by_name(name).to_python() for name in held.sheet_names}
    assert cells["Cover"][1][0] == "Read this first"
    assert "Do not pass them on" in cells["Cover"][1][1]
    said = {str(c) for row in cells[sheet][1:] for c in row[1:]}
    assert "Too few" in said, "fewer than six others are at each school, and the team had fewer a year before"
    assert "Tok" not in str(cells), "no child is named in a workbook of figures"
    assert AccessEntry.objects.filter(action="exported", purpose="own use").count() == 3


def test_a_list_of_children_sorts_and_its_pages_record_who_was_shown(facts, person, browse):
    client = browse(person("headteacher"))

    def rates(asked):
        text = client.get(f"/schools/{authority.SCHOOLS[0]}/?{asked}").content.decode()
        table = text.split("Pupils on the roll with a plan</caption>")[1].split("</table>")[0]
        return [float(n) for n in re.findall(r"([\d.]+)%", table)]

    plain = rates("")
    assert len(plain) > 2
    assert rates("sort-list=6") == sorted(plain)
    assert rates("sort-list=-6") == sorted(plain, reverse=True)
    text = client.get(f"/schools/{authority.SCHOOLS[0]}/").content.decode()
    assert f"/cohort/take-away/?school={authority.SCHOOLS[0]}" in text
