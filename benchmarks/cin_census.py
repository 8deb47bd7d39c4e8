"""How fast, and in how much memory, is a CIN census read? Prints ratios to a bare XML parse; run on a quiet machine.

    python benchmarks/cin_census.py [--children 3000 30000 300000] [--repeats 3]

Invents a census of each size (about 1.9 kB and 10 rows a child, a few values in a thousand wrong), and in this run, on
this machine, takes the least processor time of several repeats of: a bare `lxml.iterparse` pass that only clears each
Child; the parse into tables of text; the whole read into typed, checked tables. Peak memory is that of a process that
does nothing but read the file. A ratio is meant to be compared from change to change; a second is not.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lxml import etree

from sightline.sources.base import Context
from sightline.sources.cin_census import SOURCES
from sightline.sources.cin_census.noted import Noted
from sightline.sources.cin_census.parse import parse
from sightline.vocabulary.identifiers import make_upn

SIZES = (3_000, 30_000, 300_000)
PARSE_TIMES, READ_TIMES = 2.5, 4.0
MEMORY_AT, MEMORY = 30_000, 400 * 10**6
GROWTH_TIMES = 1.2
HEADER = """<?xml version="1.0" encoding="UTF-8"?>
<Message>
  <Header>
    <CollectionDetails>
      <Collection>CIN</Collection>
      <Year>2024</Year>
      <ReferenceDate>2024-03-31</ReferenceDate>
    </CollectionDetails>
    <Source>
      <SourceLevel>L</SourceLevel>
      <LEA>301</LEA>
      <SoftwareCode>Invented</SoftwareCode>
      <SerialNo>001</SerialNo>
    </Source>
  </Header>
  <Children>
"""
FOOTER = "  </Children>\n</Message>\n"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--children", type=int, nargs="+", default=SIZES, help="children in each file")
    options.add_argument("--repeats", type=int, default=3, help="repeats of each measure; the least counts (3)")
    options.add_argument("--memory-of", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.memory_of:
        SOURCES[0].read(chosen.memory_of, Context())
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
        return
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder), chosen.children, chosen.repeats)


def run(folder: Path, sizes: list[int], repeats: int) -> None:
    """Make, read and remove one file after another, and print what came of it."""
    print(f"{'children':>9} {'MB':>6} {'rows':>6} {'bare':>7} {'parse':>12} {'whole read':>12} {'peak MB':>8}")
    print(f"{'':>9} {'':>6} {'/child':>6} {'us':>7} {'us':>6} {'times':>5} {'us':>6} {'times':>5}")
    each: list[tuple[int, float]] = []
    for size in sizes:
        path = folder / f"census_{size}.xml"
        make(path, size)
        rows = sum(table.num_rows for name, table in parse(path, Noted()).items() if name != "Header")
        # Taking turns, so that a busy minute falls on all three.
        tasks: list[Callable[[], Any]] = [
            lambda path=path: bare(path),
            lambda path=path: parse(path, Noted()),
            lambda path=path: SOURCES[0].read(path, Context()),
        ]
        least = [float("inf")] * len(tasks)
        for _ in range(repeats if size <= MEMORY_AT else 1):
            for place, task in enumerate(tasks):
                least[place] = min(least[place], seconds(task))
        floor, parsed, read = (1e6 * s / size for s in least)
        peak = memory(path)
        each.append((size, read))
        print(
            f"{size:>9,} {path.stat().st_size / 1e6:>6.1f} {rows / size:>6.1f} {floor:>7.1f} "
            f"{parsed:>6.1f} {parsed / floor:>5.2f} {read:>6.1f} {read / floor:>5.2f} {peak / 1e6:>8.0f}"
            + (
                f"   {verdict(parsed / floor <= PARSE_TIMES and read / floor <= READ_TIMES)}, "
                f"memory {verdict(peak < MEMORY)}"
                if size == MEMORY_AT
                else ""
            ),
            flush=True,
        )
        path.unlink()
    growth = each[-1][1] / each[0][1]
    print(
        f"Targets at {MEMORY_AT:,} children: parse at most {PARSE_TIMES} times bare, whole read at most {READ_TIMES}; "
        f"under {MEMORY / 1e6:.0f} MB."
    )
    print(
        f"A child of {each[-1][0]:,} takes {growth:.2f} times as long as one of {each[0][0]:,} "
        f"(at most {GROWTH_TIMES} is linear growth): {verdict(growth <= GROWTH_TIMES)}."
    )


def verdict(kept: bool) -> str:
    return "within target" if kept else "OVER TARGET"


def seconds(task: Callable[[], Any]) -> float:
    """Processor time of one call, of all its threads."""
    began = time.process_time()
    task()
    return time.process_time() - began


def bare(path: Path) -> None:
    """The least any streaming reader must do: parse, and forget each child."""
    for _, child in etree.iterparse(str(path), tag="{*}Child"):
        child.clear()
        while child.getprevious() is not None:
            del child.getparent()[0]


def memory(path: Path) -> int:
    """Peak bytes of a fresh process that reads the file."""
    command = [sys.executable, __file__, "--memory-of", str(path)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def make(path: Path, children: int) -> None:
    """An invented census of this many children; the same number gives the same file."""
    chance = random.Random(children)
    with path.open("w", encoding="utf-8") as out:
        out.write(HEADER)
        for number in range(children):
            out.write("\n".join(child(chance, number)) + "\n")
        out.write(FOOTER)


def leaf(depth: int, name: str, value: str) -> str:
    return f"{'  ' * depth}<{name}>{value}</{name}>"


def block(depth: int, name: str, *inside: str) -> list[str]:
    return [f"{'  ' * depth}<{name}>", *inside, f"{'  ' * depth}</{name}>"]


def day(chance: random.Random) -> str:
    if chance.random() < 0.001:
        return "01/13/2023"
    return f"{chance.choice((2022, 2023, 2023, 2024))}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"


def child(chance: random.Random, number: int) -> Iterator[str]:
    """The lines of one child, at the indentation most systems write."""
    upn = make_upn("301", f"{2000 + number // 1000 % 1000}", 10 + number % 14, number % 1000)
    identifiers = [
        leaf(4, "LAchildID", f"N{number:08d}"),
        leaf(4, "UPN", upn if chance.random() < 0.99 else upn[:12] + "X"),
        leaf(
            4,
            "PersonBirthDate",
            f"{chance.randint(2006, 2022)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}",
        ),
        leaf(4, "GenderCurrent", chance.choice("12")),
    ]
    disabilities = [leaf(5, "Disability", code) for code in chance.sample(("MOB", "LD", "AUT", "BEH", "HEAR"), 2)]
    characteristics = [leaf(4, "Ethnicity", chance.choice(("WBRI", "WOTH", "MWBC", "APKN", "BAFR")))]
    if chance.random() < 0.35:
        characteristics += block(4, "Disabilities", *disabilities[: chance.choice((1, 1, 2))])
    episodes: list[str] = []
    for _ in range(chance.choice((1, 1, 1, 2))):
        episodes += block(3, "CINdetails", *episode(chance))
    yield from block(
        2,
        "Child",
        *block(3, "ChildIdentifiers", *identifiers),
        *block(3, "ChildCharacteristics", *characteristics),
        *episodes,
    )


def episode(chance: random.Random) -> Iterator[str]:
    yield leaf(4, "CINreferralDate", day(chance))
    yield leaf(4, "ReferralSource", chance.choice(("1A", "2A", "3E", "5B", "6")))
    yield leaf(4, "PrimaryNeedCode", chance.choice(("N1", "N2", "N4", "N5")))
    if chance.random() < 0.5:
        yield leaf(4, "CINclosureDate", day(chance))
        yield leaf(4, "ReasonForClosure", chance.choice(("RC7", "RC8", "RC9")))
    for _ in range(chance.choice((1, 1, 2))):
        factors = chance.sample(("1A", "2B", "3B", "4B", "16A", "17A", "24A"), chance.choice((1, 1, 2)))
        yield from block(
            4,
            "Assessments",
            leaf(5, "AssessmentActualStartDate", day(chance)),
            leaf(5, "AssessmentAuthorisationDate", day(chance)),
            *block(5, "FactorsIdentifiedAtAssessment", *(leaf(6, "AssessmentFactors", code) for code in factors)),
        )
    if chance.random() < 0.5:
        yield from block(
            4, "CINPlanDates", leaf(5, "CINPlanStartDate", day(chance)), leaf(5, "CINPlanEndDate", day(chance))
        )
    if chance.random() < 0.5:
        yield from block(
            4,
            "Section47",
            leaf(5, "S47ActualStartDate", day(chance)),
            leaf(5, "InitialCPCtarget", day(chance)),
            leaf(5, "DateOfInitialCPC", day(chance)),
            leaf(5, "ICPCnotRequired", chance.choice(("0", "false"))),
        )
    yield leaf(4, "ReferralNFA", "0")
    if chance.random() < 0.4:
        yield from block(
            4,
            "ChildProtectionPlans",
            leaf(5, "CPPstartDate", day(chance)),
            leaf(5, "InitialCategoryOfAbuse", chance.choice(("NEG", "EMO", "PHY"))),
            leaf(5, "LatestCategoryOfAbuse", chance.choice(("NEG", "EMO", "SAB"))),
            leaf(5, "NumberOfPreviousCPP", str(chance.choice((0, 0, 1, 2)))),
            *block(5, "Reviews", *(leaf(6, "CPPreviewDate", day(chance)) for _ in range(chance.choice((1, 2, 2))))),
        )


if __name__ == "__main__":
    main()
