"""Delimited text as senders really write it: every encoding, delimiter and small fault, each row with its line."""

from pathlib import Path

import pyarrow as pa
import pytest

from sightline.sources import delimited
from sightline.sources.delimited import header_of, pick, read_delimited, stream_delimited, write_delimited
from sightline.vocabulary.errors import UnreadableFile

TWO = [{"upn": "A1", "mark": "/", "line": 2}, {"upn": "A2", "mark": "é", "line": 3}]


def read(folder: Path, content: bytes) -> tuple[list[dict[str, object]], list[tuple[str, int]]]:
    path = folder / "received.csv"
    path.write_bytes(content)
    findings = []
    rows = read_delimited(path, findings).to_pylist()
    return rows, [(f.rule, f.line) for f in findings]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_encoding_delimiter_and_line_end(tmp_path, delimiter, encoding, end):
    text = end.join(delimiter.join(row) for row in [("UPN ", "Mark"), ("A1", "/"), ("A2", "é")]) + end
    assert read(tmp_path, text.encode(encoding)) == (TWO, [])


def test_windows_1252_is_read_and_noted_with_its_first_line(tmp_path):
    rows, findings = read(tmp_path, "upn,mark\nA1,/\nA2,é\n".encode("cp1252"))
    assert rows == TWO
    assert findings == [("windows-1252", 3)]


def test_a_file_of_two_encodings_is_read_line_by_line(tmp_path):
    content = "upn,mark\nA1,ü\n".encode() + "A2,é\n".encode("cp1252")
    rows, findings = read(tmp_path, content)
    assert [row["mark"] for row in rows] == ["ü", "é"]
    assert findings == [("windows-1252", 3)]


def test_lines_are_physical_lines_even_with_line_breaks_inside_cells_and_blank_lines(tmp_path):
    rows, findings = read(tmp_path, b'upn,note\n"A1","one\ntwo\n\nthree"\n\nA2,x\n,\nA3,y')
    assert [(row["upn"], row["line"]) for row in rows] == [("A1", 2), ("A2", 7), ("A3", 9)]
    assert rows[0]["note"] == "one\ntwo\n\nthree"
    assert findings == []


def test_ragged_rows_are_kept_and_reported(tmp_path):
    rows, findings = read(tmp_path, b"upn,mark\nA1\nA2,/,,\nA3,/,extra\n")
    assert [(row["upn"], row["mark"]) for row in rows] == [("A1", ""), ("A2", "/"), ("A3", "/")]
    assert findings == [("short-row", 2), ("long-row", 4)]


def test_a_thousand_ragged_rows_are_listed_and_the_rest_counted(tmp_path):
    path = tmp_path / "received.csv"
    path.write_text("upn,mark\n" + "A1\n" * 1005)
    findings = []
    assert read_delimited(path, findings).num_rows == 1005
    assert len(findings) == 1001
    assert findings[-1].says.startswith("5 more rows have the same fault.")


def test_leftover_commas_are_dropped_and_a_value_under_no_name_is_reported(tmp_path):
    rows, findings = read(tmp_path, b"upn,mark,,\nA1,/,,\nA2,L,,oops\n,,,\n")
    assert rows == [{"upn": "A1", "mark": "/", "line": 2}, {"upn": "A2", "mark": "L", "line": 3}]
    assert findings == [("long-row", 3)]


def test_an_index_column_without_a_name_needs_no_remark(tmp_path):
    rows, findings = read(tmp_path, b",upn\n0,A1\n1,A2\n")
    assert [row["upn"] for row in rows] == ["A1", "A2"]
    assert findings == []


def test_duplicate_and_empty_names(tmp_path):
    rows, findings = read(tmp_path, b"UPN,upn,,line\nA1,B1,x,7\n")
    assert rows == [{"upn": "A1", "upn (2)": "B1", "unnamed 3": "x", "line (2)": "7", "line": 2}]
    assert findings == [("duplicate-column", 1), ("empty-column-name", 1)]


@pytest.mark.parametrize(
    ("above", "skipped"),
    [
        (b"Attendance report\r\n", 1),
        (b"Attendance report,,\r\n\r\n", 1),
        (b"Attendance report\r\nPrinted by the office\r\n", 2),
    ],
)
def test_title_rows_are_skipped_with_a_note(tmp_path, above, skipped):
    rows, findings = read(tmp_path, above + b"UPN,Date,Mark\r\nA1,2024-09-02,/\r\nA2,2024-09-02,L\r\n")
    assert [row["upn"] for row in rows] == ["A1", "A2"]
    assert rows[0]["line"] == above.count(b"\n") + 2
    assert findings == [("title-row", 1)]


def test_a_first_row_that_may_be_names_is_never_skipped(tmp_path):
    rows, _ = read(tmp_path, b"Total\nA1,2024,5\nA2,2024,7\n")
    assert len(rows) == 2


def test_a_spreadsheets_note_of_its_delimiter_is_obeyed(tmp_path):
    rows, findings = read(tmp_path, b"sep=;\r\nUPN;Note\r\nA1;a,b,c\r\n")
    assert rows == [{"upn": "A1", "note": "a,b,c", "line": 3}]
    assert findings == []


def test_a_quotation_mark_never_closed_costs_one_row_not_the_file(tmp_path):
    rows, findings = read(tmp_path, b'upn,note\nA1,"open\nA2,x\nA3,y\n')
    assert [(row["upn"], row["note"], row["line"]) for row in rows] == [
        ("A1", '"open', 2),
        ("A2", "x", 3),
        ("A3", "y", 4),
    ]
    assert findings == [("open-quote", 2)]


def test_a_quotation_mark_open_in_a_large_file_does_not_swallow_it(tmp_path):
    body = b"".join(b"A%d,x\n" % n for n in range(60_000))
    rows, findings = read(tmp_path, b'upn,note\nB,"open\n' + body)
    assert len(rows) == 60_001
    assert findings == [("open-quote", 2)]


def test_inches_inside_a_cell_are_only_characters(tmp_path):
    rows, findings = read(tmp_path, b'upn,note\nA1,5" nails\nA2,x\n')
    assert rows[0]["note"] == '5" nails'
    assert findings == []


def test_a_stray_nul_is_left_out_and_noted(tmp_path):
    filler = b"A0,x\n" * 20_000  # past the start that recognition looks at
    rows, findings = read(tmp_path, b"upn,note\n" + filler + b"A1,a\x00b\n")
    assert rows[-1] == {"upn": "A1", "note": "ab", "line": 20_002}
    assert findings == [("stray-character", 20_002)]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "The file is empty."),
        (b"\xef\xbb\xbf\r\n \r\n", "The file is empty."),
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF document"),
        (b"upn,mark\nA1,\x00\x01\x02\x03\x00\x00\x00\x00\x05", "binary"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "a web page"),
        (b'<?xml version="1.0"?><a/>', "XML or JSON"),
        (b'[{"a": 1}]', "XML or JSON"),
        (b"x" * 2_000_000, "first line"),
    ],
    ids=["empty", "blank", "pdf", "binary", "web page", "xml", "json", "first line"],
)
def test_what_is_not_delimited_text_is_refused_in_a_sentence(tmp_path, content, says):
    with pytest.raises(UnreadableFile) as refusal:
        read(tmp_path, content)
    assert says.lower() in str(refusal.value).lower()


def test_a_line_too_long_to_be_a_row_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "BLOCK", 1024)
    monkeypatch.setattr(delimited, "LONGEST_LINE", 100_000)
    with pytest.raises(UnreadableFile, match="One line"):
        read(tmp_path, b"upn,mark\nA1,/\n" + b"x" * 200_000)


def test_blocks_join_without_losing_a_row_or_a_line(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "BLOCK", 64)
    rows = [f'A{n},"x\ny"' if n % 7 == 0 else f"A{n},z" for n in range(200)]
    path = tmp_path / "received.csv"
    path.write_text("upn,note\n" + "\n".join(rows) + "\n")
    findings = []
    parts = list(stream_delimited(path, findings))
    table = pa.concat_tables(parts)
    assert len(parts) > 10
    assert table["upn"].to_pylist() == [f"A{n}" for n in range(200)]
    expected, line = [], 2
    for n in range(200):
        expected.append(line)
        line += 2 if n % 7 == 0 else 1
    assert table["line"].to_pylist() == expected
    assert findings == []


def test_header_of_a_cut_start():
    assert header_of(b"UPN,Sur") == ("upn", "sur")
    assert header_of(b"\xef\xbb\xbf UPN ;\xa0Surname\nA1;B") == ("upn", "surname")
    assert header_of(b"<a>") == header_of(b"[1]") == header_of(b"") == header_of(b"%PDF-1.7") == ()


def test_pick_takes_the_first_alias_there_is():
    table = pa.table({"unique pupil number": ["A1"], "upn": ["B1"], "line": pa.array([2], pa.int32())})
    picked = pick(table, {"pupil_ref": ("upn", "Unique Pupil Number"), "urn": ("urn",)})
    assert picked.to_pylist() == [{"pupil_ref": "B1", "line": 2}]


def test_written_text_is_crlf_and_quoted_only_where_needed(tmp_path):
    from datetime import date

    table = pa.table(
        {
            "name": ["plain", "with, comma", 'said "x"', None],
            "day": pa.array([date(2024, 9, 2), None, None, None], pa.date32()),
            "yes": [True, False, None, None],
            "line": [9, 9, 9, 9],
        }
    )
    path = write_delimited(table, tmp_path / "written.csv")
    assert path.read_bytes() == (
        b"name,day,yes\r\n"
        b"plain,2024-09-02,true\r\n"
        b'"with, comma",,false\r\n'
        b'"said ""x""",,\r\n'
        b",,\r\n"
    )  # fmt: skip
