"""The register of lawful bases, the record of removals, and the search that proves them."""

import json
import zipfile
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sightline.operations import Home
from sightline.operations.keeping import lawful
from sightline.operations.keeping.removals import LEFT, PURGED, Removals
from sightline.operations.keeping.retention import months_before
from sightline.operations.pairs.searching import Words, search
from sightline.vocabulary.errors import BadSetting, StoreDamaged

AT = datetime(2026, 11, 26, 2, 0, tzinfo=UTC)


@pytest.fixture
def home(tmp_path):
    return Home.open(tmp_path / "home")


def write(home, text):
    (home.path / lawful.NAME).write_text(text, encoding="utf-8")
    return lawful.Register.of(home)


def test_without_a_register_nobody_is_named(home):
    assert lawful.Register.of(home).named("virtual_school_head", date(2026, 11, 26)) == ()


def test_the_example_is_a_register_and_holds_between_its_days(home):
    held = write(home, lawful.EXAMPLE)
    assert held.controller.name == "The invented authority"
    for day, count in ((date(2026, 8, 31), 0), (date(2026, 9, 1), 1), (date(2027, 8, 31), 1), (date(2027, 9, 1), 0)):
        assert len(held.named("virtual_school_head", day)) == count
    assert held.named("school_lead", date(2026, 10, 1)) == ()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("[[basis]]", "[[bases]]"), "may have: basis, hold, controller"),
        (('status = "Ever 6"', 'status = "CIN plan"'), "status should be 'Ever 6'"),
        (("until = 2027-09-01", 'until = "next year"'), "until should be a day such as"),
        (("until = 2027-09-01", "until = 2026-01-01"), "until should be after recorded"),
        (('roles = ["virtual_school_head", "data_officer"]', "roles = []"), "roles should be a list"),
        (("purpose =", "porpoise ="), "has nothing called porpoise"),
        (('recorded_by = "Information governance"', ""), "lacks recorded_by"),
        (('condition = "UK', 'condition = ""\nsource = "UK'), "not TOML"),
        (("months_after_plan = 72", "months_after_plan = 0"), "months_after_plan should be 1 to 300"),
        (('purpose = "Oversight', 'purpose = ""  # "Oversight'), "purpose should be words"),
    ],
)
def test_a_mistake_in_the_register_is_refused(home, change, says):
    text = lawful.EXAMPLE.replace(*change)
    assert text != lawful.EXAMPLE
    with pytest.raises(BadSetting, match=says):
        write(home, text)


@pytest.mark.parametrize(
    ("day", "months", "before"),
    [
        (date(2026, 11, 26), 72, date(2020, 11, 26)),
        (date(2026, 3, 31), 1, date(2026, 2, 28)),
        (date(2024, 3, 30), 1, date(2024, 2, 29)),
        (date(2026, 1, 15), 1, date(2025, 12, 15)),
        (date(2026, 12, 1), 12, date(2025, 12, 1)),
    ],
)
def test_months_before(day, months, before):
    assert months_before(day, months) == before


def test_a_removal_is_on_record_and_names_nobody(home):
    record = Removals(home)
    record.append(LEFT, [("child-one", "the look-back ended"), ("child-two", "no basis")], at=AT, by="somebody")
    record.append(PURGED, [("child-one", "retention")], at=AT, by="somebody")
    assert [r.event for r in record.read()] == [LEFT, LEFT, PURGED]
    assert record.last() == {record.mark("child-one"): PURGED, record.mark("child-two"): LEFT}
    assert b"child-one" not in record.path.read_bytes()
    assert record.mark("child-one") != Removals(Home.open(home.path.parent / "other")).mark("child-one")


@pytest.mark.parametrize("change", ["changed", "taken out", "swapped"])
def test_a_record_of_removals_that_was_tampered_with_is_found(home, change):
    record = Removals(home)
    record.append(LEFT, [(f"child-{n}", "why") for n in range(3)], at=AT, by="somebody")
    lines = record.path.read_text().splitlines()
    if change == "changed":
        lines[1] = json.dumps(json.loads(lines[1]) | {"why": "another reason"})
    elif change == "taken out":
        del lines[1]
    else:
        lines[0], lines[1] = lines[1], lines[0]
    record.path.write_text("\n".join(lines) + "\n")
    with pytest.raises(StoreDamaged):
        record.read()


def test_a_line_cut_short_by_a_crash_is_dropped_and_the_record_goes_on(home):
    record = Removals(home)
    record.append(LEFT, [("child-one", "why")], at=AT, by="somebody")
    with record.path.open("ab") as file:
        file.write(b'{"at": "2026')
    record.append(LEFT, [("child-two", "why")], at=AT, by="somebody")
    assert len(record.read()) == 2


def test_the_key_of_the_record_is_never_made_anew_beside_a_record(home):
    record = Removals(home)
    record.append(LEFT, [("child-one", "why")], at=AT, by="somebody")
    (home.path / "retention-key").unlink()
    with pytest.raises(StoreDamaged, match="key"):
        record.mark("child-one")


def test_a_search_reads_every_form(home, tmp_path):
    word = "Kestrelwick"
    folder = home.path / "found"
    folder.mkdir()
    (folder / "plain.txt").write_text(f"x{word.upper()} {word.upper()}.")
    (folder / "wide.txt").write_bytes(f"a {word} b".encode("utf-16-le"))
    pq.write_table(pa.table({"n": [1], "name": pa.array([word]).dictionary_encode()}), folder / "table.parquet")
    inner = tmp_path / "inner.zip"
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "table.parquet", "t.parquet")
    with zipfile.ZipFile(folder / "outer.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(inner, "inner.zip")
    with pa.CompressedOutputStream(str(folder / "bytes.zst"), "zstd") as out:
        out.write(b"y" * 2_000_000 + b" Kestrel" + b"wick;" + b"z" * 2_000_000)
    (folder / "part.txt").write_text(f"{word}s only{word} parts")
    done = search(home, Words([word, "abc"]))
    assert {each.file for each in done.found} == {
        f"found/{name}" for name in ("plain.txt", "wide.txt", "table.parquet", "outer.zip", "bytes.zst")
    }
    assert (done.words, done.too_short) == (1, 1)


def test_a_word_across_two_pieces_is_found(home):
    (home.path / "long.txt").write_bytes(b"." * ((1 << 20) - 4) + b"Kestrelwick" + b"." * 10)
    assert search(home, Words(["kestrelwick"])).found
    assert search(home, Words(["O'Kestrel-Wick"])).found == ()
    (home.path / "phrase.txt").write_text("of O’Kestrel, and O'KESTREL-WICK!")
    assert [f.file for f in search(home, Words(["O'Kestrel-Wick"])).found] == ["phrase.txt"]
