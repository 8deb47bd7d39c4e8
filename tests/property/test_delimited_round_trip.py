"""Any table of text survives being written and read, whichever of the two parsers reads it."""

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.sources import delimited
from sightline.sources.delimited import read_delimited, write_delimited

CELL = st.text(
    st.one_of(
        st.sampled_from(list(",;|\t\"\n\r '\u00a0é£€ﬁ<[{=\ufeff")),
        st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=("Cc", "Cs")),
    ),
    max_size=6,
)
NAMES = st.lists(
    st.sampled_from(["upn", "mark", "pupil's name", "a,b", 'x"y', "date"]), min_size=1, max_size=4, unique=True
)


@st.composite
def tables(draw):
    names = draw(NAMES)
    row = st.lists(CELL, min_size=len(names), max_size=len(names)).filter(any)
    rows = draw(st.lists(row, max_size=12))
    return pa.table({name: pa.array([r[i] for r in rows], pa.string()) for i, name in enumerate(names)})


@given(tables(), st.sampled_from([16, 200, 8 * 2**20]))
@settings(max_examples=150)
def test_read_of_write_is_the_same_table(tmp_path_factory, table, block):
    path = tmp_path_factory.getbasetemp() / "round.csv"
    write_delimited(table, path)
    whole, delimited.BLOCK = delimited.BLOCK, block
    try:
        findings = []
        read = read_delimited(path, findings)
    finally:
        delimited.BLOCK = whole
    assert findings == []
    assert read.drop_columns(["line"]).to_pylist() == table.to_pylist()
    assert read["line"].to_pylist() == _lines(path.read_bytes().decode())


def _lines(text: str) -> list[int]:
    """The slow twin: the line each record starts on, by pairing quotation marks character by character."""
    starts: list[int] = []
    quoted, fresh, line = False, True, 1
    for character in text:
        if fresh:
            starts.append(line)
            fresh = False
        if character == '"':
            quoted = not quoted
        if character == "\n":
            line += 1
            fresh = not quoted
    return starts[1:]


@given(st.text(st.sampled_from(list('ab,"\n\r ;')), max_size=40))
@settings(max_examples=300)
def test_both_parsers_give_the_same_rows_of_any_text(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "junk.csv"
    path.write_bytes(b"upn,mark,note\nA1,/,x\nA2,/,x\n" + text.encode())
    usual = read_delimited(path, [])
    fast, delimited._Rows._fast = delimited._Rows._fast, lambda self, block: None
    try:
        slow = read_delimited(path, [])
    finally:
        delimited._Rows._fast = fast
    assert usual.to_pylist() == slow.to_pylist()
