"""Nothing the vocabulary names is left without a meaning, a source or a place in the glossary."""

import ast
import re
import subprocess
import sys
from datetime import date
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

import sightline.sources
import sightline.vocabulary
from sightline.vocabulary import LIMITS, TABLES, Settings, code_list, glossary_markdown, list_names
from sightline.vocabulary.attendance import CLASSES
from sightline.vocabulary.systems import SYSTEMS

NAMED = sorted({column.codes for table in TABLES.values() for column in table if column.codes})


@pytest.mark.parametrize("name", NAMED)
def test_every_list_a_column_names_exists(name):
    assert code_list(name)


@pytest.mark.parametrize("name", list_names())
def test_every_code_has_a_meaning_a_source_and_spans_that_do_not_overlap(name):
    spans = {}
    for code in code_list(name):
        assert code.code
        assert code.code == code.code.strip()
        assert code.meaning == code.meaning.strip() != ""
        assert code.source == code.source.strip() != ""
        start, end = code.valid_from or date.min, code.valid_to or date.max
        assert start < end
        for other_start, other_end in spans.get(code.code, []):
            assert end <= other_start or other_end <= start
        spans.setdefault(code.code, []).append((start, end))
        assert None not in code.more, "A row has more cells than the heading."


def test_every_list_is_used_or_stands_alone_on_purpose():
    assert set(list_names()) - set(NAMED) == {"authority"}


def test_every_attendance_code_has_one_character_for_all_time():
    pairs = {(code.code, code.more["packed"]) for code in code_list("attendance")}
    codes, packed = zip(*pairs, strict=True)
    assert len(set(codes)) == len(pairs)
    assert len(set(packed)) == len(pairs)
    assert all(len(p) == 1 and p.isascii() and p != "." for p in packed)
    for code in code_list("attendance"):
        assert code.more["class"] in CLASSES
        assert (code.more["possible"] == "yes") is (code.more["class"] in CLASSES[:4])


def test_every_status_that_takes_precedence_is_a_status():
    assert set(Settings().precedence) <= {code.code for code in code_list("status")}


def test_every_extended_ethnicity_of_the_census_is_in_the_school_s_list():
    """The social care list is the shorter of the two, and never holds a code schools do not have."""
    assert {c.code for c in code_list("ethnicity")} <= {c.code for c in code_list("ethnicity_school")}


def test_the_school_census_code_lists_hold_what_its_schema_holds(real):
    """Every code of the published column history is known here, for the columns whose codes we keep."""
    import csv

    kept = {
        "attendancereason": "attendance",
        "category": "exclusion_category",
        "reason": "exclusion_reason",
        "reason1": "exclusion_reason",
        "ethnicity": "ethnicity_school",
        "ncyearactual": "year_group",
        "enrolstatus": "enrolment_status",
        "senprovision": "sen_provision",
        "boarder": "boarder",
        "youngcarer": "young_carer",
    }
    path = real / "education" / "school_census" / "school_census_schema_history_2015_2026.csv"
    compared = 0
    with path.open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["column"] in kept and row["codes"] and row["table"] != "classes":
                known = {code.code for code in code_list(kept[row["column"]])}
                assert set(row["codes"].split("|")) <= known, row
                compared += 1
    assert compared > 50


@pytest.mark.parametrize("year", range(2017, 2027))
def test_the_cin_census_code_lists_are_those_of_the_schema_of_each_year(real, year):
    """18A and 19A alone differ: these schemas keep them after the census dropped them, and say so."""
    from lxml import etree

    kept = {
        "unknownupntype": "upn_unknown",
        "ethnicitytype": "ethnicity",
        "disabilitytype": "disability",
        "referralsourcetype": "referral_source",
        "categoryofabusetype": "abuse_category",
        "primaryneedcodetype": "primary_need",
        "reasonforclosuretype": "closure_reason",
        "assessmentfactorstype": "assessment_factor",
    }
    tree = etree.parse(real / "csc" / "cin_xsd" / f"CIN_schema_{year}.xsd")
    space = "{http://www.w3.org/2001/XMLSchema}"
    found = {
        node.get("name"): {each.get("value") for each in node.iter(f"{space}enumeration")}
        for node in tree.iter(f"{space}simpleType")
    }
    for kind, name in kept.items():
        ours = {code.code for code in code_list(name) if code.holds_on(date(year, 3, 31))}
        extra = {"18A", "19A"} if name == "assessment_factor" and year >= 2021 else set()
        ours -= {"UN8", "UN9", "UN10"}  # of SEN2 and the daily feed, not of this census
        assert found[kind] - extra == ours, (year, name)


def test_authorities_are_those_of_the_published_look_up(real):
    import csv

    with (real / "education" / "lookups" / "dfe_las.csv").open(encoding="utf-8-sig", newline="") as lines:
        published = {(r["old_la_code"], r["la_name"]) for r in csv.DictReader(lines) if r["old_la_code"].isdigit()}
    assert {(code.code, code.meaning) for code in code_list("authority")} == published


def test_the_glossary_holds_every_word():
    page = glossary_markdown()
    assert page == glossary_markdown()
    sections = re.split(r"^### ", page, flags=re.M)[1:]
    by_heading = {section.splitlines()[0]: section for section in sections}
    for table in TABLES.values():
        section = by_heading[table.name]
        assert table.grain in section
        for column in table:
            line = next(x for x in section.splitlines() if x.startswith(f"| `{column.name}`"))
            for word in (column.says, column.unit, column.codes, column.sensitivity.value, column.source):
                assert word in line
    for name in list_names():
        section = by_heading[f"Codes: {name}"]
        for code in code_list(name):
            assert f"| `{code.code}` | {code.meaning} |" in section
            assert code.source in section
    for setting in Settings().explain():
        assert f"| `{setting.name}` |" in page
        assert setting.says in page
        assert setting.source in page
    for limit in LIMITS:
        assert f"| {limit.name} | {limit.value} |" in page


def test_every_glossary_link_has_its_place():
    page = glossary_markdown()
    assert set(re.findall(r"\(#([^)]+)\)", page)) <= set(re.findall(r'<a id="([^"]+)">', page))


def test_every_row_of_the_glossary_has_the_cells_of_its_heading():
    cells = None
    for line in glossary_markdown().splitlines():
        if not line.startswith("|"):
            cells = None
            continue
        found = len(re.findall(r"(?<!\\)\|", line))
        cells = cells or found
        assert found == cells, line


def test_every_public_name_exists_and_is_listed_once():
    names = sightline.vocabulary.__all__
    assert len(names) == len(set(names))
    for name in names:
        assert getattr(sightline.vocabulary, name) is not None
    tree = ast.parse(Path(sightline.vocabulary.__file__).read_text(encoding="utf-8"))
    imported = {a.asname or a.name for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names}
    assert imported - {"annotations"} == set(names)


def test_importing_the_vocabulary_is_light():
    """Neither Arrow nor the engine is loaded by it."""
    code = "import sys, sightline.vocabulary; print([m for m in ('pyarrow', 'duckdb', 'lxml') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_system_that_sends_has_words():
    """Each module that reads files names the system they are of, for the records it makes."""
    modules = [import_module(f"sightline.sources.{found.name}") for found in iter_modules(sightline.sources.__path__)]
    systems = {module.SYSTEM for module in modules if isinstance(getattr(module, "SYSTEM", None), str)}
    assert systems and systems - set(SYSTEMS) == {"sightline"}, "a list of decisions is sent by nobody"
