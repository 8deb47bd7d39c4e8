"""A file no source knows: one sentence says what it looks like and what would be right, and quotes no record."""

import io
import zipfile

import pytest

from sightline.sources import recognise
from sightline.sources.base import Source
from sightline.sources.intake import head, recognise_among
from sightline.vocabulary.errors import NotNeeded, UnreadableFile


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
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "save it as .xlsx, or save the sheet as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le"), "with a password"),
        (office(**{"[Content_Types].xml": b"", "xl/workbook.xml": b""}), "an Excel workbook; please save"),
        (office(**{"[Content_Types].xml": b"", "word/document.xml": b""}), "a Word document"),
        (office(mimetype=b"application/vnd.oasis.opendocument.spreadsheet"), "an OpenDocument spreadsheet"),
        (b"<!DOCTYPE html>\n<html><title>403</title>", "a web page"),
        (b"PAR1\x15\x00\x00\x00PAR1", "Parquet"),
        (b"<stata_dta><header><release>118</release>", "a Stata file. Extracts for a study are read as they are"),
        (b"\x72\x02\x01\x00\x05\x00" + bytes(200), "a Stata file"),
        (b"$FL2@(#) SPSS DATA FILE" + bytes(200), "an SPSS file"),
        (bytes(12) + bytes.fromhex("c2ea8160b31411cfbd92080009c7318c181f1011") + bytes(200), "a SAS file"),
        (b'<?xml version="1.0"?><Workbook xmlns="x"/>', "<Workbook>"),
        (b'{"hello": [1]}', "JSON"),
        ("surname,forename,dob\nPlum,Ada,2012-01-01\n".encode("utf-16"), "a list of people in 3 columns"),
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


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("CHILD,DOB,SDQ_SCORE,SDQ_REASON,CONVICTED,HEALTH_CHECK\n1,01/02/2012,3,,0,1\n", "health and offending (OC2)"),
        ("CHILD,DOB,REVIEW,REVIEW_CODE\n1,01/02/2012,03/04/2020,PN1\n", "reviews of care"),
        ("clah_health_check_id,clah_person_id,clah_health_check_type\n1,2,x\n", "ssd_cla_health"),
        ("CONT_CONTACT_ID,CONT_PERSON_ID\n1,2\n", "ssd_contacts"),
        ("<Message><Header><CollectionDetails><Collection>CSWW</Collection>", "social work workforce census"),
    ],
)
def test_a_table_that_is_known_and_not_used_is_told_from_one_that_is_not_known(tmp_path, content, says):
    path = tmp_path / "whatever.csv"
    path.write_text(content)
    with pytest.raises(NotNeeded) as told:
        recognise(path)
    assert says in str(told.value) and "neither read nor kept" in str(told.value)


def test_a_column_or_two_of_a_table_that_is_not_used_make_no_such_table(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("perm_a,perm_b,name,team,office,phone\n1,2,3,4,5,6\n")
    with pytest.raises(UnreadableFile) as refusal:
        recognise(path)
    assert not isinstance(refusal.value, NotNeeded)
