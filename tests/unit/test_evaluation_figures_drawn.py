"""Figures are drawn from tables alone, say in words what they show, hold what is hidden back, and are the same twice."""

import re

import pytest

from sightline import charts
from sightline.evaluation import drawn
from sightline.evaluation.figures import DRAWINGS, short
from sightline.evaluation.result import Builder

YEARS = ("2017/18", "2018/19", "2021/22", "2022/23")


def means(hide=()):
    b = Builder()
    for i, year in enumerate(YEARS):
        for g, group in enumerate(("CIN plan", "CP plan", "Not on a plan")):
            for sex in ("overall", "boys", "girls"):
                value = "c" if (year, group, sex) in hide else 10.0 * (g + 1) + i
                b.put(year, f"{group}, {sex}", mean=value, se=0.5, N=1000)
    for group, percent in (("CIN plan", 30.0), ("CP plan", -12.5), ("Not on a plan", 10.0)):
        for sex in ("overall", "boys", "girls"):
            b.put("Change from 2017/18 to 2022/23 (%)", f"{group}, {sex}", percent=percent)
    return b.table(
        "table-53", "Mean sessions missed due to absences, by group and academic year", sample="", printed=53
    )


def values(figure):
    return figure.specification["data"]["values"]


def test_figures_9_and_13_are_lines_by_group_and_by_sex():
    found = {f.id: f for f in drawn([means()])}
    assert set(found) == {"figure-9", "figure-13"}
    assert len(values(found["figure-9"])) == 12
    assert len(values(found["figure-13"])) == 36
    assert {v["panel"] for v in values(found["figure-13"])} == {"All", "Boys", "Girls"}


def test_the_change_stands_at_the_last_year_in_the_drawing_and_in_words():
    figure = drawn([means()])[0]
    said = {(v["series"], v["x"]): v["says"] for v in values(figure) if v["says"]}
    assert said == {
        ("CIN plan", "2022/23"): "+30.0%",
        ("CP plan", "2022/23"): "−12.5%",
        ("Not on a plan", "2022/23"): "+10.0%",
    }
    assert "CP plan: fell by 12.5%" in figure.describes and "CIN plan: rose by 30.0%" in figure.describes


def test_what_a_table_hides_is_not_drawn():
    figure = drawn([means(hide={("2018/19", "CP plan", "overall")})])[0]
    assert ("CP plan", "2018/19") not in {(v["series"], v["x"]) for v in values(figure)}
    assert len(values(figure)) == 11


def test_a_table_with_nothing_to_draw_gives_no_figure():
    every = {(y, g, s) for y in YEARS for g in ("CIN plan", "CP plan", "Not on a plan") for s in ("overall",)}
    assert [f.id for f in drawn([means(hide=every)])] == ["figure-13"]
    assert drawn([]) == []


def test_a_run_s_own_tables_draw_figures_with_its_name():
    from dataclasses import replace

    found = drawn([replace(means(), id="table-53-with-send")], "-with-send")
    assert [f.id for f in found] == ["figure-9-with-send", "figure-13-with-send"]


def test_drawings_are_the_same_twice_and_name_nothing_outside():
    figure = drawn([means()])[1]
    one, two = charts.svg(figure.specification), charts.svg(figure.specification)
    assert one == two and one.startswith("<svg")
    hosts = set(re.findall(r"https?://([^/\"' ]+)", one))
    assert hosts == {"www.w3.org"}
    assert charts.png(figure.specification)[:8] == b"\x89PNG\r\n\x1a\n"


def test_series_differ_in_colour_and_in_shape_and_are_the_web_s():
    from sightline.web.colour import PALETTE

    assert charts.PALETTE == PALETTE
    layers = drawn([means()])[0].specification["layer"]
    assert layers[1]["encoding"]["color"]["scale"]["range"] == list(PALETTE[:3])
    assert len(set(layers[1]["encoding"]["shape"]["scale"]["range"])) == 3


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("Subject to a CIN plan * Period after COVID-19 / VSH extension (DID)", "On plan × after (DID)"),
        ("Months subject to a CP plan before VSH extension", "Months on plan, before"),
        ("Age", "Age"),
    ],
)
def test_rows_have_short_names(row, told):
    assert short(row) == told


def test_every_drawing_has_a_name_of_its_own():
    names = [d.id for d in DRAWINGS]
    assert len(names) == len(set(names))
