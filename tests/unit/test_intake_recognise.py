"""A file no source knows: one sentence says what it looks like and what would be right, and quotes no record."""

import io
import zipfile

import pytest

from sightline.sources import recognise
from sightline.sources.base import Source
from sightline.sources.intake import head, recognise_among
from sightline.vocabulary.errors import UnreadableFile


def office(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf\r\n", "empty"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "a PNG image"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "a JPEG image"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "save the sheet as CSV"),
        (office(**{"[Content_Types].xml": b"", "xl/workbook.xml": b""}), "an Excel workbook; please save"),
        (office(**{"[Content_Types].xml": b"", "word/document.xml": b""}), "a Word document"),
        (office(mimetype=b"application/vnd.oasis.opendocument.spreadsheet"), "an OpenDocument spreadsheet"),
        (b"<!DOCTYPE html>\n<html><title>403</title>", "a web page"),
        (b"PAR1\x15\x00\x00\x00PAR1", "Parquet"),
        (b'<?xml version="1.0"?><Workbook xmlns="x"/>', "<Workbook>"),
        (b'{"hello": [1]}', "JSON"),
        ("surname,forename,dob\nPlum,Ada,2012-01-01\n".encode("utf-16"), "a table of 3 columns"),
        (b"Dear colleague\nplease find attached\n", "not a table"),
    ],
)
def test_one_sentence_for_what_is_not_known(tmp_path, content, says):
    path = tmp_path / "marks.csv"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile) as refusal:
        recognise(path)
    assert says in str(refusal.value)
    assert "Plum" not in str(refusal.value)


def test_the_first_source_that_knows_the_file_reads_it(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("upn,date\n")

    def source(kind, column):
        return Source(kind, kind, lambda seen: column in seen.header, None, None)

    chosen = recognise_among(path, [source("none", "urn"), source("specific", "date"), source("general", "upn")])
    assert chosen.kind == "specific"


def test_the_head_holds_both_ends_and_the_column_names(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"\xef\xbb\xbfUPN ;Date\n" + b"x" * 100_000 + b"end")
    seen = head(path)
    assert seen.header == ("upn", "date")
    assert len(seen.start) == len(seen.end) == 65536
    assert seen.end.endswith(b"end")
