"""The register of sources as a whole: no source takes another's files, and bad input of every kind is one sentence."""

import gzip
import io
import zipfile
from datetime import date

import pyarrow as pa
import pytest

from sightline.engine import arrow_schema
from sightline.sources import SOURCES, Context, Reading, recognise, unpack
from sightline.vocabulary.codes import valid_codes
from sightline.vocabulary.errors import BadSetting, UnreadableFile
from sightline.vocabulary.identifiers import make_upn
from sightline.vocabulary.tables import FACTS, TABLES, Type

UPN = make_upn("301", "2001", 2015, 1)
DAY = date(2025, 1, 16)
SPECIAL = {
    "marks": "/\\/\\......", "week": date(2025, 1, 13), "pupil_ref": UPN, "ref": UPN, "kind": "upn", "value": UPN,
    "urn": "123456", "link_urn": "123457", "school_ref": "123456", "laestab": "3012001", "authority": "301",
    "postcode": "ZZ1 1ZZ", "area": "ZZ1", "surname": "Plum", "forename": "Ada", "name": "Oaks", "link_type": "Predecessor",
}  # fmt: skip
# Kinds that hold no fact: the columns of what they explain.
EXPLAINING = {
    "wonde-codes": ("id", "code", "type", "description"),
    "wonde-schools": ("id", "name", "urn", "la_code", "establishment_number"),
    "wonde-deletions": ("id", "type", "deleted_at"),
}
PLAIN = {Type.TEXT: "1", Type.DATE: DAY, Type.INT: 1, Type.SMALL: 1, Type.FLAG: True, Type.REAL: 1.0}


def one_row(table):
    """A table of one row in which every column has a value of its kind."""
    row = {}
    for column in TABLES[table]:
        codes = list(valid_codes(column.codes, DAY)) if column.codes else []
        row[column.name] = SPECIAL.get(column.name, codes[0] if codes else PLAIN[column.type])
    return pa.Table.from_pylist([row], schema=arrow_schema(table))


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.kind)
def test_what_a_source_writes_is_recognised_as_its_own_and_no_others(tmp_path, source):
    tables = {name: one_row(name) for name in FACTS}
    if source.kind == "sightline-parquet":
        tables = {"attendance_week": tables["attendance_week"]}
    reading = Reading(source.kind, source.kind, "", "", "301", DAY.isoformat(), tables=tables)
    explained = EXPLAINING.get(source.kind)
    if explained:
        cells = {name: ["1"] for name in explained}
        reading.received = {source.kind: pa.table({**cells, "line": pa.array([1], pa.int32())})}
    # A census return is one file by its nature; the others find their own name in a folder.
    written = source.write(reading, tmp_path / "census.xml" if source.kind == "cin-census" else tmp_path)
    assert written
    for path in written:
        assert recognise(path).kind == source.kind


def test_kinds_are_unique_and_say_what_they_are():
    kinds = [source.kind for source in SOURCES]
    assert len(kinds) == len(set(kinds))
    assert all(source.says for source in SOURCES)


def test_an_agreed_mapping_names_the_source_that_reads_the_file(tmp_path):
    from sightline.sources.marks import mapping_key

    path = tmp_path / "x.csv"
    path.write_text("a;b;c;d\n1;2;3;4\n")
    key = mapping_key(["a", "b", "c", "d"])
    with pytest.raises(UnreadableFile):
        recognise(path)
    assert recognise(path, Context(mappings={key: {"upn": "a"}})).kind == "marks"
    assert recognise(path, Context(mappings={key: {"kind": "suspensions"}})).kind == "suspensions"
    with pytest.raises(BadSetting, match="'nothing'"):
        recognise(path, Context(mappings={key: {"kind": "nothing"}}))


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


XML_HEAD = b'<?xml version="1.0"?>'
CENSUS = XML_HEAD + b"<Message><Header><CollectionDetails><Collection>CIN</Collection><Year>2024</Year>"
BOMB = (
    XML_HEAD + b'<!DOCTYPE Message [<!ENTITY a "ha">' + b"".join(
        b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)
    ) + b"]><Message><Header>&j;</Header></Message>"
)  # fmt: skip
OUTSIDE = (
    XML_HEAD + b'<!DOCTYPE Message [<!ENTITY x SYSTEM "file:///etc/passwd">]><Message><Header>&x;</Header></Message>'
)

BAD = {
    "truncated.xml": CENSUS,
    "bomb.xml": BOMB,
    "outside.xml": OUTSIDE,
    "empty.csv": b"",
    "nothing.zip": b"",
    "no members.zip": zipped(),
    "bomb.zip": zipped(**{"a.csv": b"0" * 200_000_000}),
    "bomb.gz": gzip.compress(b"0" * 200_000_000),
    "report.csv": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj",
    "picture.csv": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    "error.csv": b"<!DOCTYPE html><html><body>Sign in</body></html>",
    "book.csv": zipped(**{"[Content_Types].xml": b"", "xl/workbook.xml": b""}),
    "no upn.csv": b"Date,Session,Mark\n2024-09-02,AM,/\n",
    "random.bin": bytes(range(256)) * 40,
    "cut.json": b'{"data": [{"id": "A1", "student": "A2", "date": "2024-09-02", "session": "AM", "attendance_code": "/"}, {"i',
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence(tmp_path, name):
    """Refused on the way in, on recognition or on reading; or read, with an error among its findings."""
    (tmp_path / name).write_bytes(BAD[name])
    (found,) = unpack([tmp_path / name], tmp_path / "work")
    try:
        if found.error:
            raise found.error
        reading = recognise(found.path).read(found.path, Context(name=found.shown))
    except UnreadableFile as error:
        said = str(error)
        assert said.endswith(".") and "Traceback" not in said and str(tmp_path) not in said
        assert "root:" not in said
    else:
        assert any(finding.severity == "error" for finding in reading.findings)


ROW = f"{UPN},123456,2024-09-02,AM,/\n"


@pytest.mark.parametrize(
    ("content", "rules"),
    [
        (f"Mark,Session,URN,UPN,Date\n/,AM,123456,{UPN},2024-09-02\n".encode(), []),
        (f"UPN,URN,Date,Session,Mark,Extra,\n{UPN},123456,2024-09-02,AM,/,x,\n".encode(), []),
        (f"UPN,Date,Session,Mark\n{UPN},2024-09-02,AM,/\n".encode(), []),
        ("UPN,URN,Date,Session,Mark\n" + ROW + f"{UPN},123456,2024-09-03,AM\n", ["short-row"]),
        ("UPN,URN,Date,Session,Mark\n" + ROW + ROW.strip() + ",x\n", ["long-row", "repeated-mark"]),
        ("UPN,Surname,Date,Session,Mark\n" + f"{UPN},Plûm,2024-09-02,AM,/\n", ["windows-1252"]),
        ("UPN,URN,Date,Session,Mark\n" + ROW + f"{UPN},123456,01/13/2012,AM,/\n", ["not-a-date"]),
    ],
    ids=["moved", "extra", "missing", "short row", "long row", "wrong encoding", "month first"],
)
def test_a_csv_that_is_a_little_wrong_is_read_and_said(tmp_path, content, rules):
    path = tmp_path / "marks.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("cp1252"))
    reading = recognise(path).read(path, Context())
    assert reading.tables["attendance_week"]["marks"].to_pylist() == ["/........."]
    assert [finding.rule for finding in reading.findings] == rules
