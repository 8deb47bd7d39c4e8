"""Faults planted in the registers of the latest academic year, and in the rows of a file of marks."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sightline.synthetic.faults import Truth
from sightline.synthetic.people import day_number, day_of
from sightline.synthetic.registers import World, Year
from sightline.synthetic.school_tables import SchoolSystems
from sightline.synthetic.schools import PRIMARY, SECONDARY
from sightline.vocabulary.attendance import pack

Index = NDArray[np.intp]
LATE_BY = 28  # days before the last on which the late school's marks end


@dataclass(frozen=True, slots=True)
class Roles:
    """How each site sends the latest year's marks: places of sites. All others send one file together."""

    by_row: tuple[int, ...]  # a CSV of its own, one session to a row
    wonde: int
    silent: int
    late: int

    @classmethod
    def of(cls, world: World) -> Roles:
        primaries = world.schools.of(PRIMARY).tolist()
        return cls((primaries[0], int(world.schools.of(SECONDARY)[0])), *primaries[1:4])


def plant(
    made: Year, world: World, systems: SchoolSystems, truth: Truth, files: dict[int, str], random: np.random.Generator
) -> None:
    """Change marks of the year in place: sites that send nothing or late, and marks that cannot be right.

    `files` names the file in which each site's marks are sent.
    """
    roles = Roles.of(world)
    site = world.enrolments.site[made.rows]
    person = world.enrolments.person[made.rows]
    until = day_number(world.until)
    made.marks[site == roles.silent] = ord(".")
    slot_day = np.array([[day_number(w) + wd for wd in range(5) for _ in (0, 1)] for w in made.weeks])
    last = until - LATE_BY
    made.marks[:, slot_day > last] = np.where((site == roles.late)[:, None], ord("."), made.marks[:, slot_day > last])
    for kind, at, true in (("school-sends-nothing", roles.silent, ""), ("school-sends-late", roles.late, day_of(last))):
        urn = world.schools.sites[at].urn_on(world.until)
        truth.add(kind, file=files.get(at, ""), system="marks", ref=urn, table="attendance_week", name="week",
                  planted=true, true=world.until)  # fmt: skip
    sends = (site != roles.silent) & (site != roles.late) & (site != roles.wonde)

    def note(kind: str, row: int, day: int, planted: str, true: str) -> None:
        ref = systems.refs[int(systems.ref_places(person[row : row + 1], day)[0])].as_py()
        truth.add(kind, file=files[int(site[row])], system="marks", ref=ref, table="attendance_week",
                  name=f"marks {day_of(day).isoformat()}", planted=planted, true=true,
                  child=int(person[row]))  # fmt: skip

    wanted = max(1, round(len(made.rows) * 0.0005))
    # Unresolved: an O of more than two weeks ago is still N.
    old = np.argwhere((made.marks == ord("O")) & (slot_day < until - 16)[None] & sends[:, None, None])
    for row, week, slot in old[random.permutation(len(old))[:wanted]]:
        made.marks[row, week, slot] = ord("N")
        note("unresolved-too-long", int(row), int(slot_day[week, slot]), "N", "O")
    suspended = np.argwhere((made.marks == ord("E")) & sends[:, None, None])
    for row, week, slot in suspended[random.permutation(len(suspended))[:wanted]]:
        present = "\\" if slot % 2 else "/"
        made.marks[row, week, slot] = ord(present)
        note("present-while-suspended", int(row), int(slot_day[week, slot]), present, "E")
    end = world.enrolments.end[made.rows]
    gone = np.flatnonzero(sends & (end < until - 14) & (end > day_number(made.weeks[0])))
    for row in gone[random.permutation(len(gone))]:
        after = np.argwhere((slot_day > end[row]) & (slot_day <= until - 3))
        opened = next(((w, s) for w, s in after if (made.marks[sends, w, s] == ord("/")).any()), None)
        if opened:
            made.marks[row][opened] = ord("/")
            note("mark-outside-enrolment", int(row), int(slot_day[opened]), "/", "")
            wanted -= 1
        if not wanted:
            break
    part_time = "C2" if made.year >= 2024 else "C"
    letter = ord(pack(part_time, date(made.year, 9, 2)) or ".")
    afternoons = [
        (each.row, week, slot)
        for each in made.timetables
        if sends[each.row] and each.end <= until
        for week, slot in np.argwhere(
            (slot_day >= each.start) & (slot_day <= each.end) & (made.marks[each.row] == letter)
        )
        if made.marks[each.row, week, slot - 1] == ord("/")
    ]
    # A generator of its own, so that what else is planted does not depend on how many timetables there are.
    own = np.random.Generator(np.random.PCG64(len(afternoons)))
    for at in own.permutation(len(afternoons))[: max(1, len(afternoons) // 100)]:
        row, week, slot = afternoons[int(at)]
        made.marks[row, week, slot] = ord("\\")
        note("present-on-part-time-timetable", int(row), int(slot_day[week, slot]), "\\", part_time)


def plant_in_rows(path: Path, name: str, truth: Truth, children: dict[str, int], random: np.random.Generator) -> None:
    """Change rows of a written CSV of session marks: codes that are none, and a second mark for some sessions."""
    text = path.read_text(encoding="utf-8-sig")
    lines = text.splitlines()
    rows = list(csv.reader(lines))
    header = [cell.lower() for cell in rows[0]]
    mark, day, session, upn = (header.index(c) for c in ("mark", "date", "session", "upn"))
    present = [n for n in range(1, len(rows)) if rows[n][mark] in ("/", "\\")]
    chosen = [present[int(n)] for n in random.permutation(len(present))[: 2 * max(2, len(present) // 20_000)]]
    extra = []
    for place, n in enumerate(chosen):
        row = rows[n]
        if place % 2:
            planted = ("ZZ", "?", "P1")[place % 3]
            row[mark], true = planted, row[mark]
            kind = "unknown-mark"
        else:
            extra.append([*row[:mark], "I", *row[mark + 1 :]])
            kind, planted, true = "two-marks", "I", row[mark]
        truth.add(kind, file=name, system="marks", ref=row[upn], table="attendance_week",
                  name=f"marks {row[day]} {row[session]}", planted=planted, true=true,
                  child=children[row[upn]])  # fmt: skip
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([*rows, *extra])
    path.write_text(out.getvalue(), encoding="utf-8", newline="")
