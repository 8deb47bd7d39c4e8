"""One table in every form: the same cells read back from CSV, XLSX, ODS, HTML and LaTeX, and the same bytes each time."""

import csv
import io
import re
from html.parser import HTMLParser

import pytest
from python_calamine import CalamineWorkbook

from sightline.evaluation import NOT_FOR_RELEASE, grid, latex, ods, sheets, table_csv, table_html, xlsx
from sightline.evaluation.result import Builder, Left


def a_table(name="table-99"):
    b = Builder()
    b.put(
        "Months on a plan", "at least 2", estimate=-0.45123456789, se=0.049, stars="***", p=1e-9, low=-0.55, high=-0.35
    )
    b.put("Months on a plan", "A & B, 100% {x}_y", estimate=0.2, se=0.5, stars="", p=0.7, low=-0.8, high=1.2)
    b.put("Mean <sessions>", "at least 2", mean=15.25, se=0.1, N=79_230)
    b.put("Share", "at least 2", percent=59.4)
    b.put("=SUM(A1:A9)", "at least 2", count=12)
    b.put("Hidden", "at least 2", N="c")
    b.refuse("Nobody", "3 pupils, fewer than the 1,000 the study asks for")
    b.left.append(Left("", "rows", "age", 12, "missing value"))
    return b.table(name, "A table: 5% & more", notes=("A note.",), sample="All", estimator="Means", errors="robust")


class Cells(HTMLParser):
    def __init__(self):
        super().__init__()
        self.rows, self.text, self.inside = [], None, False

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.text = ""

    def handle_data(self, data):
        if self.text is not None:
            self.text += data

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.rows[-1].append(self.text)
            self.text = None


def test_html_holds_the_grid():
    table = a_table()
    parser = Cells()
    parser.feed(table_html(table, NOT_FOR_RELEASE))
    assert parser.rows == [["Row", *table.columns], *grid(table)]


def test_latex_holds_the_grid_and_escapes_what_would_break_it():
    text = latex(a_table(), NOT_FOR_RELEASE)
    body = re.search(r"\\midrule\n(.*?)\n\\bottomrule", text, re.S)[1]
    back = {r"\&": "&", r"\%": "%", r"\_": "_", r"\{": "{", r"\}": "}", "$-$": "−", "$<$": "<", "$>$": ">"}
    rows = []
    for line in body.split("\n"):
        cells = re.split(r"(?<!\\) & ", line.removesuffix(r" \\"))
        for escaped, plain in back.items():
            cells = [c.replace(escaped, plain) for c in cells]
        rows.append([c.strip() for c in cells])
    assert rows == grid(a_table())
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")


@pytest.mark.parametrize("write", [xlsx, ods])
def test_workbooks_hold_every_figure_as_a_number(write):
    table = a_table()
    book = CalamineWorkbook.from_filelike(io.BytesIO(write([table], NOT_FOR_RELEASE)))
    assert book.sheet_names == ["table-99"]
    wanted = [["" if v is None else v for v in row] for row in sheets([table], NOT_FOR_RELEASE)[0].rows]
    wide = max(map(len, wanted))
    got = book.get_sheet_by_name("table-99").to_python(skip_empty_area=False)
    assert [row[: len(w)] for row, w in zip(got, wanted, strict=True)] == wanted
    assert all(v == "" for row, w in zip(got, wanted, strict=True) for v in row[len(w) : wide])
    head = got[3]
    row = next(r for r in got if r[0] == "Months on a plan")
    assert row[head.index("at least 2: estimate")] == pytest.approx(-0.4512345679)
    # Text that looks like a formula stays text.
    assert any(r[0] == "=SUM(A1:A9)" for r in got)


def test_csv_holds_every_cell_and_every_refusal():
    table = a_table()
    rows = list(csv.DictReader(io.StringIO(table_csv(table, NOT_FOR_RELEASE))))
    told = {(r["row"], r["column"], r["statistic"]): r["value"] for r in rows}
    for c in table.cells:
        assert told[c.row, c.column, c.statistic] == ("" if c.value is None else str(c.value))
    assert told["", "Nobody", "refused"].startswith("3 pupils")


def test_two_tables_whose_names_are_cut_alike_keep_sheets_of_their_own():
    long = "a" * 40
    names = [s.name for s in sheets([a_table(long), a_table(long + "b")], "")]
    assert len(set(names)) == 2 and all(len(n) <= 31 for n in names)


@pytest.mark.parametrize("write", [xlsx, ods])
def test_the_same_tables_give_the_same_bytes(write, monkeypatch):
    import time

    one = write([a_table()], "mark")
    real = time.time()
    monkeypatch.setattr(time, "time", lambda: real + 86_400)
    monkeypatch.setattr(time, "localtime", lambda *_: time.struct_time((2031, 2, 3, 4, 5, 6, 0, 34, 0)))
    assert write([a_table()], "mark") == one
