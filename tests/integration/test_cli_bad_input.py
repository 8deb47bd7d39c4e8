"""Bad input of every kind, by the command line: one clear sentence, the right exit code, and nothing of it kept."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pytest
from conftest import call, tree

XML = b'<?xml version="1.0" encoding="utf-8"?>'
CENSUS = (
    "<Message><Header><CollectionDetails><Collection>CIN</Collection><Year>2024</Year>"
    "<ReferenceDate>2024-03-31</ReferenceDate></CollectionDetails><Source><SourceLevel>L</SourceLevel>"
    "<LEA>{authority}</LEA></Source></Header><Children><Child><ChildIdentifiers><LAchildID>1001</LAchildID>"
    "<PersonBirthDate>2012-05-04</PersonBirthDate></ChildIdentifiers></Child></Children></Message>"
)
BOMB = (
    XML
    + b'<!DOCTYPE Message [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]><Message><Header>&j;</Header></Message>"
)
OUTSIDE = XML + b'<!DOCTYPE Message [<!ENTITY x SYSTEM "file:///etc/hosts">]><Message><Header>&x;</Header></Message>'


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


# name: (content, what the sentence says)
REFUSED = {
    "cut.xml": (XML + CENSUS[:150].encode(), "cut short"),
    "bomb.xml": (BOMB, "DOCTYPE"),
    "outside.xml": (OUTSIDE, "DOCTYPE"),
    "message.xml": (XML + b"<Message><Header/></Message>", "begins with <Message>"),
    "another.xml": (XML + b"<rss><channel/></rss>", "<rss>"),
    "empty.csv": (b"", "empty"),
    "blank.csv": (b"\n\n  \n", "empty"),
    "empty.zip": (b"", "empty"),
    "no files.zip": (zipped(), "no files"),
    "cut.zip": (zipped(**{"a.csv": b"a,b\n" * 4000})[:60], "damaged"),
    "bomb.zip": (zipped(**{"a.csv": b"0" * 200_000_000}), "not opened"),
    "bomb.gz": (gzip.compress(b"0" * 200_000_000), "not opened"),
    "cut.gz": (gzip.compress(b"a,b\n" * 4000)[:30], "damaged"),
    "minutes.csv": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "PDF"),
    "sign-in.csv": (b"<!DOCTYPE html><html><body>Sign in</body></html>", "web page"),
    "no pupil.csv": (b"Date,Session,Mark\n2024-09-02,AM,/\n", "column"),
    "other table.csv": (b"Fruit,Price\nApple,3\n", "column"),
    "bytes.csv": (bytes(range(256)) * 40, "binary"),
    "cut.json": (b'{"data": [{"id": "A1", "student": "A2", "date": "2024-09-02", "session": "AM", '
                 b'"attendance_code": "/"}, {"i', "cut short"),
}  # fmt: skip


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one file in it, which nothing bad may change."""
    folder = tmp_path_factory.mktemp("held")
    good = folder / "marks.csv"
    good.write_text("Pupil ID,URN,Date,AM,PM\nA1,900001,2024-09-02,/,\\\n")
    assert call("receive", good, "--home", folder / "home").code == 0
    return folder / "home"


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_in_one_sentence(tmp_path: Path, held: Path, name: str):
    content, says = REFUSED[name]
    (tmp_path / name).write_bytes(content)
    before = tree(held)

    said = call("receive", tmp_path / name, "--home", held)

    assert said.code == 3
    assert tree(held) == before
    (sentence,) = said.err.strip().splitlines()
    assert sentence.startswith(f"{name}: ") and sentence.endswith(".")
    assert says in sentence
    assert str(tmp_path) not in sentence
    assert "unchanged" in said.out

    shape = call("receive", tmp_path / name, "--home", held, "--json")
    assert shape.code == 3
    (file,) = shape.json()["files"]
    assert (file["status"], file["rows"], file["findings"]) == ("refused", {}, {})
    assert f"{name}: {file['says']}" == sentence


def test_one_bad_file_does_not_stop_the_others(tmp_path: Path, marks: Path):
    (tmp_path / "empty.csv").touch()
    said = call("receive", tmp_path, "--home", tmp_path / "home", "--json")
    assert said.code == 3
    assert {f["path"].split("/")[-1]: f["status"] for f in said.json()["files"]} == {
        "empty.csv": "refused",
        "marks.csv": "received",
    }
    assert said.json()["new_snapshot"]


def test_tables_that_are_not_needed_are_no_fault_of_a_delivery(tmp_path: Path, marks: Path):
    """A whole extract of the dataset comes with tables that nothing uses: told, not kept, and no reason to leave by 3."""
    (tmp_path / "ssd_cla_convictions.csv").write_text("clac_cla_conviction_id,clac_person_id\n1,7001\n")
    home = tmp_path / "home"
    said = call("receive", tmp_path, "--home", home, "--json")
    assert said.code == 0
    told = {f["path"].split("/")[-1]: (f["status"], f["rows"]) for f in said.json()["files"]}
    assert told["ssd_cla_convictions.csv"] == ("not needed", {})
    assert told["marks.csv"][0] == "received"
    assert not [p for p in home.rglob("*") if p.is_file() and b"7001" in p.read_bytes()]


def test_the_store_itself_is_never_received(tmp_path: Path, marks: Path):
    first = call("receive", tmp_path, "--home", tmp_path / "home", "--json").json()
    again = call("receive", tmp_path, "--home", tmp_path / "home", "--json").json()
    assert [len(r["files"]) for r in (first, again)] == [1, 1]
    assert not again["new_snapshot"]


def test_nothing_but_bad_files_makes_no_snapshot(tmp_path: Path):
    (tmp_path / "empty.csv").touch()
    said = call("receive", tmp_path / "empty.csv", "--home", tmp_path / "home", "--json")
    assert (said.code, said.json()["snapshot"]) == (3, None)
    assert call("show", "--home", tmp_path / "home").code == 4


# What is a little wrong is read, and said.
HEADER = "UPN,URN,Date,Session,Mark\n"
UPN = "H801200001001"
ROW = f"{UPN},900001,2024-09-02,AM,/\n"
READ = {
    "moved columns": (f"Mark,Session,URN,UPN,Date\n/,AM,900001,{UPN},2024-09-02\n", None),
    "a column more": (f"UPN,URN,Date,Session,Mark,Shoes\n{UPN},900001,2024-09-02,AM,/,4\n", None),
    "a column less": (f"UPN,Date,Session,Mark\n{UPN},2024-09-02,AM,/\n", None),
    "a short row": (HEADER + ROW + f"{UPN},900001,2024-09-03,AM\n", "short-row"),
    "a long row": (HEADER + f"{UPN},900001,2024-09-02,AM,/,x\n", "long-row"),
    "Windows text": (
        f"UPN,Surname,Date,Session,Mark\n{UPN},Pl\u00fbm,2024-09-02,AM,/\n".encode("cp1252"),
        "windows-1252",
    ),
    "UTF-16 text": ((HEADER + ROW).encode("utf-16"), None),
    "month before day": (HEADER + ROW + f"{UPN},900001,01/13/2012,AM,/\n", "not-a-date"),
    "a mark that is none": (HEADER + ROW + f"{UPN},900001,2024-09-03,AM,?\n", "unknown-mark"),
}


@pytest.mark.parametrize("name", READ)
def test_what_is_a_little_wrong_is_read_and_said(tmp_path: Path, name: str):
    content, rule = READ[name]
    path, home = tmp_path / "marks.csv", tmp_path / "home"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    said = call("receive", path, "--home", home, "--json")
    assert said.code == 0
    assert said.json()["files"][0]["rows"]["attendance_week"] >= 1
    found = [f["rule"] for f in call("findings", "--home", home, "--json").json() if f["rule"] != "upn-check-letter"]
    assert found == ([rule] if rule else [])


def test_a_census_with_odd_dates_is_read_and_every_odd_date_named(tmp_path: Path):
    odd = CENSUS.format(authority="899").replace("2012-05-04", "01/13/2012")
    (tmp_path / "census.xml").write_text(odd)
    home = tmp_path / "home"
    said = call("receive", tmp_path / "census.xml", "--home", home, "--json")
    assert (said.code, said.json()["files"][0]["rows"]["child"]) == (0, 1)
    (finding,) = [f for f in call("findings", "--home", home, "--json").json() if f["rule"] == "not-a-date"]
    assert (finding["field"], finding["value"], finding["record"]) == ("PersonBirthDate", "01/13/2012", "1001")
    assert finding["severity"] == "error" and finding["right"]


def test_a_neighbours_file_is_refused_where_the_authority_is_set(tmp_path: Path):
    (tmp_path / "census.xml").write_text(CENSUS.format(authority="898"))
    home = tmp_path / "home"
    home.mkdir()
    (home / "sightline.toml").write_text('authority = "899"\n')
    said = call("receive", tmp_path / "census.xml", "--home", home)
    assert said.code == 3
    (sentence,) = said.err.strip().splitlines()
    assert "898" in sentence and "899" in sentence
    assert not any(name.startswith(("bytes", "tables", "deliveries", "snapshots")) for name in tree(home))


def test_a_neighbours_file_is_received_with_a_finding_where_it_is_not(tmp_path: Path):
    home = tmp_path / "home"
    for authority in ("899", "898"):
        (tmp_path / f"{authority}.xml").write_text(CENSUS.format(authority=authority))
        assert call("receive", tmp_path / f"{authority}.xml", "--home", home).code == 0
    (finding,) = call("findings", "--rule", "another-authority", "--home", home, "--json").json()
    assert (finding["value"], finding["right"]) == ("898", "899")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ("authorty = '899'", "authorty"),
        ("authority = 'Zwengstow'", "three digits"),
        ("look_back_years = 'six'", "look_back_years"),
        ("persistent_percent = ", "TOML"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(tmp_path: Path, settings: str, says: str):
    (tmp_path / "sightline.toml").write_text(settings)
    said = call("settings", "--home", tmp_path)
    assert said.code == 5
    assert says in said.err and len(said.err.strip().splitlines()) == 1


@pytest.mark.parametrize("content", ["not = toml = at all", "[mappings.x]\nshoe = 'a'\n"])
def test_a_wrong_mapping_is_refused_by_name(tmp_path: Path, content: str):
    home = tmp_path / "home"
    home.mkdir()
    path = tmp_path / "odd.csv"
    path.write_text("Ref No,Sch,When,Half,Att\nA1,900001,02/09/2024,1,/\nA1,900001,02/09/2024,2,\\\n")
    fingerprint = call("mapping", path, "--home", home, "--json").json()["fingerprint"]
    (home / "mappings.toml").write_text(content.replace("[mappings.x]", f'[mappings."{fingerprint}"]'))
    said = call("receive", path, "--home", home)
    assert said.code in (3, 5)
    assert "mapp" in said.err and len(said.err.strip().splitlines()) == 1


def test_two_receives_at_once_are_not_allowed(tmp_path: Path, marks: Path):
    from sightline.operations import Home

    home = Home.open(tmp_path / "home")
    with home.store.writing():
        said = call("receive", marks, "--home", home.path)
    assert said.code == 1 and "Another process" in said.err
    assert call("receive", marks, "--home", home.path).code == 0


def test_a_store_with_a_file_missing_or_changed_says_so(tmp_path: Path, marks: Path):
    home = tmp_path / "home"
    call("receive", marks, "--home", home)
    assert call("verify", "--home", home).code == 0
    table = max((home / "store" / "tables").rglob("*.parquet"), key=lambda p: p.stat().st_size)
    whole = table.read_bytes()
    table.write_bytes(whole[:-1] + b"?")
    said = call("verify", "--home", home, "--json")
    assert (said.code, len(said.json()["wrong"])) == (7, 1)
    table.unlink()
    assert "missing" in call("verify", "--home", home).out
    # What was open in this process stays open; a new one looks.
    moved = home.rename(tmp_path / "moved")
    said = call("cohort", "--home", moved)
    assert said.code == 7 and "sightline verify" in said.err
