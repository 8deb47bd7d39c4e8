"""CIN census XML as received, streamed one child at a time into tables of text under the census's own names.

The loop is flat and the tables are built in batches because a county's file holds a million elements: about half the
time goes in the XML parser itself. Nothing outside the file is ever read: entities, document types and the network
are off, a child larger than 16 MB is refused, and memory grows with the tables and not with the file.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from lxml import etree

from sightline.sources.cin_census.guard import Guarded, refuse_document_type, sentence
from sightline.sources.cin_census.layout import (
    BLOCKS,
    CHARACTERISTICS,
    CHILD,
    COLLECTION_FIELDS,
    CONTENT,
    DETAILS,
    HEADER_COLUMNS,
    IDENTIFIERS,
    NO_ID,
    SOURCE_FIELDS,
    Block,
)
from sightline.sources.cin_census.noted import Noted
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Finding, Severity

# Small, so that rows are still in the processor's cache when they become Arrow.
CHILDREN_IN_A_BATCH = 1_000
# libxml2 keeps 16 bits for an element's line; from here on it answers with the line of the text inside instead.
_SHORT_LINE = 65_535
_NOWHERE = -1_000
_CHILD_ELEMENTS = frozenset(block.element for block in CHILD)
_NUMBERS = tuple(str(n) for n in range(1, 257))


class _Rows:
    """The rows of one block so far, and where its elements go.

    `local` has the place of each element by its plain name: the column of a value, or a number below zero that
    `inside` turns into the block of its own that the element is. `places` has the same by tag as met, with whatever
    namespace; a tag not yet met is looked up in `local`, so any namespace is read and costs nothing.
    """

    __slots__ = (
        "batches",
        "blank",
        "block",
        "count",
        "each",
        "inside",
        "local",
        "numbered",
        "parent",
        "places",
        "rows",
        "schema",
    )

    def __init__(self, block: Block) -> None:
        self.block = block
        self.each = block.each
        self.numbered = bool(block.number)
        ties = len(block.keys) + self.numbered
        self.blank: list[Any] = [None] * (len(block.fields) + 1)
        self.rows: list[list[Any]] = []
        self.batches: list[pa.RecordBatch] = []
        self.parent: list[Any] | None = None  # the row whose blocks of this kind are being counted
        self.count = 0
        self.local = {f.element: ties + n for n, f in enumerate(block.fields)}
        self.places: dict[str, int] = {}
        self.inside: dict[int, _Rows] = {}
        self.schema = pa.schema([*((name, pa.string()) for name in block.columns), ("line", pa.int32())])

    def flush(self) -> None:
        """Turn the rows gathered so far into an Arrow batch."""
        if self.rows:
            columns = [pa.array(c, f.type) for c, f in zip(zip(*self.rows, strict=True), self.schema, strict=True)]
            self.batches.append(pa.RecordBatch.from_arrays(columns, schema=self.schema))
            self.rows.clear()

    def table(self) -> pa.Table:
        self.flush()
        return pa.Table.from_batches(self.batches, self.schema)


def parse(path: Path, noted: Noted) -> dict[str, pa.Table]:
    """One table per table of the census (`layout.BLOCKS` and Header), all text, each with `line`.

    `line` is the line on which the row's element starts, counted from 1. A child without an LAchildID is kept under
    "(no id) line N"; a second child with an LAchildID already seen is kept and its episodes numbered on from the
    first's. Raises UnreadableFile for a file that is not well-formed XML, is hostile, or holds no census.
    """
    with path.open("rb") as file, _no_garbage_collection():
        reader, guarded = _Reader(noted), Guarded(file)
        try:
            reader.read(guarded)
        except etree.XMLSyntaxError as error:
            raise UnreadableFile(sentence(error, reader.events.error_log, guarded)) from None
    return reader.tables()


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Rows are millions of small lists in no cycle; looking for cycles among them would cost half as much again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class _Reader:
    def __init__(self, noted: Noted) -> None:
        self.noted = noted
        self.rows = {name: _Rows(block) for name, block in BLOCKS.items()}
        for rows in self.rows.values():
            for place, block in enumerate(rows.block.blocks, start=1):
                rows.local[block.element] = -place
                rows.inside[-place] = self.rows[block.table]
        self.identifiers = self.rows[IDENTIFIERS.table]
        self.characteristics = self.rows[CHARACTERISTICS.table]
        self.details = self.rows[DETAILS.table]
        self.kinds: dict[str, _Rows] = {}
        self.children = 0
        self.events: Any = None
        self.header: list[list[Any]] = []
        self.first_lines: dict[str, int] = {}
        self.episodes: dict[str, int] = {}

    def read(self, file: Guarded) -> None:
        events = self.events = etree.iterparse(
            file,
            events=("end",),
            tag=("{*}Child", "{*}Header"),
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        checked = False
        for _, element in events:
            if not checked:
                refuse_document_type(element.getroottree())
                checked = True
            if element.tag.endswith("Child"):
                self.children += 1
                self._child(element)
                file.since = 0
                if self.children % CHILDREN_IN_A_BATCH == 0:
                    for rows in self.rows.values():
                        rows.flush()
            else:
                self._header(element)
            element.clear(keep_tail=True)
            if element.getprevious() is not None:
                self._drop_before(element)
        root = events.root
        refuse_document_type(root.getroottree())
        self._outside(root)

    def tables(self) -> dict[str, pa.Table]:
        schema = pa.schema([*((name, pa.string()) for name in HEADER_COLUMNS), ("line", pa.int32())])
        columns: list[Any] = list(zip(*self.header, strict=True)) or [[] for _ in schema]
        header = pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)
        return {"Header": header} | {name: rows.table() for name, rows in self.rows.items()}

    # One child.

    def _child(self, child: Any) -> None:
        text = child.text
        if text is not None and not text.isspace():
            self._stray(child, text)
        kinds = self.kinds
        ties: list[Any] = []
        identifiers = characteristics = None
        for block in child:
            rows = kinds.get(block.tag) or self._kind(block)
            if not ties:
                # Keys come from the identifiers, which stand first in a file that follows the schema.
                identifiers = block if rows is self.identifiers else child.find("{*}ChildIdentifiers")
                ties = self._identified(child, identifiers)
            if rows is self.details:
                self._block(block, rows, ties)
            elif rows is None:
                self._unknown(block, child)
            elif rows is self.characteristics and characteristics is None:
                characteristics = block
                self._block(block, rows, ties)
            elif block is not identifiers:
                self._repeated(block, child, ties)
            tail = block.tail
            if tail is not None and not tail.isspace():
                self._stray(block, tail, after=True)
        if not ties:
            ties = self._identified(child, None)
        self.episodes[ties[0]] = self.details.count
        if characteristics is None:
            says = "This child has no ChildCharacteristics, so ethnicity and disabilities are not known."
            right = "a ChildCharacteristics element"
            self._finding("no-characteristics", Severity.QUERY, says, ties, "ChildCharacteristics", right, _line(child))

    def _kind(self, block: Any) -> _Rows | None:
        """The rows that an element directly inside a Child belongs to, for a tag not met before."""
        name = self._usual(block, block.getparent(), _CHILD_ELEMENTS)
        if not name:
            return None
        rows = self.kinds[block.tag] = self.rows[name]
        return rows

    def _identified(self, child: Any, block: Any) -> list[Any]:
        """Make the row of ChildIdentifiers; the keys of the child's other rows: the name it will be known by."""
        rows = self.identifiers
        if block is None:
            row = rows.blank.copy()
            row[-1] = _line(child)
            rows.rows.append(row)
        else:
            row = self._block(block, rows, [])
        name, line = (row[0] or "").strip(), row[-1]
        if not name:
            name = f"{NO_ID}{line}"
            if name in self.episodes:  # several on one line
                name = f"{name}, child {self.children}"
            row[0] = name
            says = (
                "This child has no LAchildID, so no other year's record can be tied to it. "
                f"It was kept under the name '{name}'."
            )
            self._finding("la-child-id-missing", Severity.ERROR, says, [name], "LAchildID", "an LAchildID", line)
        ties = [name]
        # Episodes of a second child of the same name are numbered on, so that keys stay unique.
        self.details.parent = ties
        self.details.count = self.episodes.get(name, 0)
        if name in self.episodes:
            says = f"Another child, on line {self.first_lines[name]:,}, has the same LAchildID; both were kept."
            right = "one Child element for each child"
            self._finding("duplicate-la-child-id", Severity.ERROR, says, ties, "LAchildID", right, line)
        else:
            self.first_lines[name] = line
        return ties

    def _block(self, element: Any, rows: _Rows, ties: list[Any]) -> list[Any]:
        """Make and fill the row of one block, and those of the blocks inside it. `ties` are its parents' keys."""
        text = element.text
        if text is not None and not text.isspace():
            self._stray(element, text)
        if rows.numbered:
            if rows.parent is not ties:
                rows.parent = ties
                rows.count = 0
            count = rows.count
            rows.count = count + 1
            ties = [*ties, _NUMBERS[count] if count < len(_NUMBERS) else str(count + 1)]
        row = ties + rows.blank
        line = element.sourceline
        if line >= _SHORT_LINE:
            line = line - text.count("\n") if text else _line(element)
        row[-1] = line
        rows.rows.append(row)
        places = rows.places
        for inner in element:
            try:
                place = places[inner.tag]
            except KeyError:
                place = self._place(inner, element, rows)
            if place >= 0:
                if row[place] is None and not len(inner):
                    row[place] = inner.text
                else:
                    self._odd(inner, element, row, place, ties)
            elif place != _NOWHERE:
                within = rows.inside[place]
                if within.each:
                    self._each(inner, within, ties)
                else:
                    self._block(inner, within, ties)
            tail = inner.tail
            # Most often the same blank as before the first element, which is quicker to see than that it is blank.
            if tail != text and tail is not None and not tail.isspace():
                self._stray(inner, tail, after=True)
        return row

    def _each(self, element: Any, rows: _Rows, ties: list[Any]) -> None:
        """A row for every element inside a wrapper; an empty wrapper is no row and no fault."""
        text = element.text
        if text is not None and not text.isspace():
            self._stray(element, text)
        add = rows.rows.append
        places = rows.places
        for inner in element:
            if inner.tag in places or self._place(inner, element, rows) != _NOWHERE:
                if len(inner):
                    self._inside(inner)
                value = inner.text
                line = inner.sourceline
                if line >= _SHORT_LINE:
                    line = line - value.count("\n") if value else _line(inner)
                add([*ties, value, line])
            tail = inner.tail
            if tail != text and tail is not None and not tail.isspace():
                self._stray(inner, tail, after=True)

    def _odd(self, element: Any, parent: Any, row: list[Any], place: int, ties: list[Any]) -> None:
        """A value that was given already, or that has elements inside it."""
        self._inside(element)
        if row[place] is None:
            row[place] = element.text
        else:
            self._repeated(element, parent, ties)

    def _inside(self, element: Any) -> None:
        """Report elements, and the text after them, that stand inside a value."""
        for inner in element:
            self._unknown(inner, element)
            if (inner.tail or "").strip():
                self._stray(inner, inner.tail, after=True)

    def _place(self, element: Any, parent: Any, rows: _Rows) -> int:
        """Where an element whose tag was not met before goes; `_NOWHERE`, and a finding, for one the census has not."""
        name = self._usual(element, parent, rows.local)
        if not name:
            self._unknown(element, parent)
            return _NOWHERE
        place = rows.places[element.tag] = rows.local[name]
        return place

    def _usual(self, element: Any, parent: Any, names: Collection[str]) -> str:
        """The census's own spelling of an element among these; empty for one it has not. Other capitals are told."""
        name = _local(element.tag)
        if name in names:
            return name
        usual = next((known for known in names if known.lower() == name.lower()), "")
        if usual:
            says = f"{name} is written {usual} in the census; it was read as that."
            self.noted.add_once(
                Finding(
                    "element-spelling", Severity.NOTE, says, _local(parent.tag), "", usual, "", usual, _line(element)
                )
            )
        return usual

    # Around the children.

    def _header(self, header: Any) -> None:
        """One row per Source of the header (one row without any), each repeating the collection's details."""
        if self.header:
            self._repeated(header, header.getparent(), [])
            return
        self._strays_within(header)
        collection: dict[str, str | None] = {}
        sources: list[tuple[dict[str, str | None], int]] = []
        for block in header:
            name = _local(block.tag)
            if name == "CollectionDetails":
                self._values(block, COLLECTION_FIELDS, collection)
            elif name == "Source":
                source: dict[str, str | None] = {}
                self._values(block, SOURCE_FIELDS, source)
                sources.append((source, _line(block)))
            elif name != CONTENT:
                self._unknown(block, header)
        for source, line in sources or [({}, _line(header))]:
            self.header.append([*map(collection.get, COLLECTION_FIELDS), *map(source.get, SOURCE_FIELDS), line])

    def _values(self, block: Any, names: tuple[str, ...], values: dict[str, str | None]) -> None:
        for inner in block:
            name = self._usual(inner, block, names)
            if not name:
                self._unknown(inner, block)
            elif name in values:
                self._repeated(inner, block, [])
            else:
                values[name] = inner.text

    def _strays_within(self, element: Any) -> None:
        """Report text that stands beside elements anywhere inside an element."""
        for part in element.iter("{*}*"):
            if len(part) and (part.text or "").strip():
                self._stray(part, part.text)
            if part is not element and (part.tail or "").strip():
                self._stray(part, part.tail, after=True)

    def _drop_before(self, element: Any) -> None:
        """Forget what stands before a child that has been read, having looked at what was not."""
        parent = element.getparent()
        before = parent[0]
        while before is not element:
            self._left_over(before, parent)
            del parent[0]
            before = parent[0]

    def _left_over(self, element: Any, parent: Any) -> None:
        if _local(element.tag) not in ("Child", "Header", "Children"):
            self._unknown(element, parent)
        tail = element.tail
        if tail is not None and not tail.isspace():
            self._stray(element, tail, after=True)

    def _outside(self, root: Any) -> None:
        """What is left when every child has been read and dropped."""
        if not self.children and not self.header and _local(root.tag) not in ("Message", "Children"):
            raise UnreadableFile(
                f"The file is XML, but its outermost element is {_local(root.tag)[:40]} and not Message, "
                "so it is not a CIN census."
            )
        for element in [root, *root.iterchildren("{*}Children")]:
            if (element.text or "").strip():
                self._stray(element, element.text)
            for inner in element:
                self._left_over(inner, element)
        if not self.children:
            says = "The file holds no children."
            self._finding("no-children", Severity.ERROR, says, [], "Child", "at least one Child element", _line(root))

    # Telling.

    def _finding(
        self, rule: str, severity: Severity, says: str, ties: list[Any], field: str, right: str, line: int
    ) -> None:
        record = ties[0] if ties else ""
        self.noted.add(Finding(rule, severity, says, IDENTIFIERS.table, record, field, "", right, line))

    def _unknown(self, element: Any, parent: Any) -> None:
        name, within = _local(element.tag)[:60], _local(parent.tag)[:60]
        says = f"The census has no element {name} inside {within}; it was not read."
        right = "only elements of the census, each in its place"
        self.noted.add_once(
            Finding("unknown-element", Severity.QUERY, says, within, field=name, right=right, line=_line(element))
        )

    def _repeated(self, element: Any, parent: Any, ties: list[Any]) -> None:
        name, within = _local(element.tag), _local(parent.tag)
        says = f"{name} stands more than once inside one {within}; the first was read and this one was not."
        value = (element.text or "").strip()[:100]
        record = ties[0] if ties else ""
        right = f"{name} once"
        self.noted.add(
            Finding("repeated-element", Severity.ERROR, says, within, record, name, value, right, _line(element))
        )

    def _stray(self, element: Any, text: str, *, after: bool = False) -> None:
        name = _local(element.tag)[:60]
        says = (
            f"Text stands {'after the end' if after else 'at the start'} of {name}, between elements; it was ignored."
        )
        blank = text[: len(text) - len(text.lstrip())].count("\n")
        line = (_last_line(element) if after else _line(element)) + blank
        parent = element.getparent() if after else element
        within = _local(parent.tag)[:60] if parent is not None else name
        right = "no text between elements"
        self.noted.add(Finding("stray-text", Severity.NOTE, says, within, "", name, text.strip()[:100], right, line))


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _line(element: Any) -> int:
    """The line on which an element starts.

    Past line 65,535 the parser answers with the line on which the text inside the element ends, or, without any, that
    after it; comments inside that text (they are dropped) may put the answer out by their own lines.
    """
    line = int(element.sourceline or 0)
    if line < _SHORT_LINE:
        return line
    if element.text:
        return line - int(element.text.count("\n"))
    if len(element):
        return _line(element[0])
    return line - int(element.tail.count("\n")) if element.tail else line


def _last_line(element: Any) -> int:
    """The line on which an element ends."""
    if len(element):
        return _last_line(element[-1]) + int((element[-1].tail or "").count("\n"))
    return _line(element) + int((element.text or "").count("\n"))
