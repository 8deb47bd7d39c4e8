"""What the care system of an invented authority sends: the CIN census of each year, and the case system's extract.

Both speak of the same children under different ids (LAchildID and person id), each with the faults planted in the care
system; each knows only what its day knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from sightline.engine import arrow_schema
from sightline.sources.base import Reading
from sightline.synthetic import shapes
from sightline.synthetic.care import OPEN, SOCIAL_WORKER, Care, Episode
from sightline.synthetic.faults import CareFaults, Truth
from sightline.synthetic.names import postcodes
from sightline.synthetic.people import PUPIL, Numbers, People, day_number, day_of
from sightline.synthetic.schools import AUTHORITY

_ETHNICITY = tuple(shapes.ETHNICITY)
_PLAN_DATES_SINCE = 2022  # the first census year that holds dates of CIN plans
_SEX_SINCE = 2025  # the first census year of the codes M, F and U
SSD = "social_care/ssd"


class Rows:
    """Rows of vocabulary tables being gathered; `tables` gives each with its line numbers."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {}

    def add(self, table: str, **cells: Any) -> None:
        rows = self.rows.setdefault(table, [])
        rows.append(cells | {"line": len(rows) + 2})

    def tables(self, *names: str) -> dict[str, pa.Table]:
        """Every table named, and every other one that has rows."""
        wanted = dict.fromkeys([*names, *self.rows])
        return {n: pa.Table.from_pylist(self.rows.get(n, []), schema=arrow_schema(n)) for n in wanted}


@dataclass(frozen=True, slots=True)
class CareIds:
    """By child: LAchildID (which is also the legacy id), person id and NHS number; second records have their own."""

    legacy: tuple[str, ...]
    person: tuple[str, ...]
    nhs: tuple[str, ...]

    @classmethod
    def of(cls, count: int, random: np.random.Generator) -> CareIds:
        """Numbers for twice as many records as children: a second record of child i has place count + i."""
        places = random.permutation(2 * count)
        others = random.permutation(2 * count)
        known = random.random(2 * count) < 0.7
        nhs = tuple(_nhs_number(i) if known[i] else "" for i in range(count))
        return cls(
            tuple(f"{500000 + int(n)}" for n in places),
            tuple(f"{7000000 + int(n)}" for n in others),
            nhs,
        )


def _nhs_number(i: int) -> str:
    """A number of the range that begins with 999, which is for tests and given to nobody."""
    serial = i
    while True:
        first = f"999{serial:06d}"
        check = -sum(int(d) * w for d, w in zip(first, range(10, 1, -1), strict=True)) % 11
        if check < 10:
            return f"{first}{check}"
        serial += 500_000  # no child has a number so high


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a child in the care system: the child, its ids' place, and which episodes it holds."""

    child: int
    place: int
    episodes: tuple[tuple[int, Episode], ...]


def records(care: Care, faults: CareFaults, children: int) -> Iterator[Record]:
    """One record per child, and a second one for duplicated children, which holds their last episode."""
    for i in sorted(care.episodes):
        mine = tuple(enumerate(care.episodes[i]))
        if i in faults.seconds:
            yield Record(i, i, mine[:-1])
            yield Record(i, children + i, mine[-1:])
        else:
            yield Record(i, i, mine)


class CareSystem:
    """The care system's view of its children, and the files it sends."""

    def __init__(
        self,
        people: People,
        care: Care,
        numbers: Numbers,
        faults: CareFaults,
        truth: Truth,
        random: np.random.Generator,
    ) -> None:
        self.people, self.care, self.numbers, self.faults, self.truth = people, care, numbers, faults, truth
        self.ids = CareIds.of(len(people), random)
        self.records = tuple(records(care, faults, len(people)))
        self.in_census: dict[str, int] = {}
        self.holds_former = random.random(len(people)) < 0.5

    def held(self, i: int, field: str, true: Any) -> Any:
        """What the system holds of a child's field."""
        change = self.faults.changes.get(i)
        return change.planted if change and change.field == field else true

    def _child(self, rows: Rows, record: Record, ref: str, today: int) -> None:
        """The child's own row, without names: the census has none."""
        i, people = record.child, self.people
        born = int(people.birth[i])
        unborn = born > today
        birth = self.held(i, "birth_date", born)
        sex = self.held(i, "sex", "F" if people.girl[i] else "M")
        upn = self._upn(i, today)
        rows.add(
            "child",
            child_ref=ref,
            birth_date=None if unborn else day_of(birth),
            expected_birth_date=day_of(born) if unborn else None,
            sex="U" if unborn else sex,
            ethnicity="NOBT" if unborn else _ETHNICITY[people.ethnicity[i]],
            upn_unknown="UN1" if not upn and people.cohort[i] + 5 > day_of(today).year else None,
        )

    def _upn(self, i: int, today: int) -> str:
        """The UPN held: none before school begins, for a child outside schools, or where the fault is to hold none."""
        if self.people.kind[i] != PUPIL or self.people.birth[i] + 4 * 365 > today:
            return ""
        return str(self.held(i, "upn", self.numbers.upn[i]))

    def _former(self, i: int) -> str:
        changed = i in self.faults.changes and self.faults.changes[i].kind == "upn-former"
        return "" if changed or not self.holds_former[i] else self.numbers.former[i]

    # The census.

    def census(self, year: int, file: str) -> Reading:
        """The CIN census of the year to 31 March: every child referred in it, or with an episode open in it."""
        rows = Rows()
        first, today = day_number(date(year - 1, 4, 1)), day_number(date(year, 3, 31))
        for record in self.records:
            seen = [(n, e) for n, e in record.episodes if _in_census(e, first, today)]
            if not seen:
                continue
            ref = self.ids.legacy[record.place]
            self._child(rows, record, ref, today)
            self.in_census[ref] = record.child
            line = rows.rows["child"][-1]["line"]
            for kind, value in (
                ("la_child_id", ref),
                ("upn", self._upn(record.child, today)),
                ("former_upn", self._former(record.child) if self._upn(record.child, today) else ""),
            ):
                if value:
                    rows.add("identifier", ref=ref, kind=kind, value=value)
                    rows.rows["identifier"][-1]["line"] = line
            for disability in self.care.disabilities.get(record.child, ()):
                rows.add("disability", child_ref=ref, disability=disability)
            for place, (n, episode) in enumerate(seen, start=1):
                self._census_episode(rows, record.child, n, episode, ref, f"{ref}/{place}", (first, today), year)
        return Reading(
            kind="cin-census",
            system="cin-census",
            period=f"1 April {year - 1} to 31 March {year}",
            covers=str(year),
            authority=AUTHORITY,
            as_at=f"{year}-03-31",
            tables=rows.tables(*_CENSUS_TABLES),
        )

    def _census_episode(
        self,
        rows: Rows,
        i: int,
        n: int,
        episode: Episode,
        ref: str,
        referral: str,
        span: tuple[int, int],
        year: int,
    ) -> None:
        first, today = span
        closed = episode.closure <= today
        rows.add(
            "referral",
            child_ref=ref,
            referral_ref=referral,
            referral_date=day_of(episode.referral),
            referral_source=episode.source,
            primary_need=None if episode.nothing_further else episode.need,
            no_further_action=episode.nothing_further,
            closure_date=day_of(episode.closure) if closed else None,
            closure_reason=episode.reason if closed else None,
        )
        for k, (start, end, factors) in enumerate(episode.assessments):
            if start <= today and (end >= first):
                assessment = f"{referral}/{k + 1}"
                done = end <= today
                rows.add(
                    "assessment",
                    child_ref=ref,
                    referral_ref=referral,
                    assessment_ref=assessment,
                    start_date=day_of(start),
                    end_date=day_of(end) if done else None,
                )
                for factor in factors if done else ():
                    rows.add("assessment_factor", child_ref=ref, assessment_ref=assessment, factor=factor)
        for k, (start, end) in enumerate(episode.cin):
            key = (i, n, k)
            if year >= _PLAN_DATES_SINCE and start <= today and end >= first and key not in self.faults.not_in_census:
                late = key in self.faults.late and end > today - 300
                rows.add(
                    "cin_plan",
                    child_ref=ref,
                    referral_ref=referral,
                    plan_ref=f"{referral}/{k + 1}",
                    start_date=day_of(start),
                    end_date=day_of(end) if end <= today and not late else None,
                )
        for k, (start, target, held) in enumerate(episode.enquiries):
            if start <= today and (start >= first or first <= held <= today):
                rows.add(
                    "section_47",
                    child_ref=ref,
                    referral_ref=referral,
                    enquiry_ref=f"{referral}/{k + 1}",
                    start_date=day_of(start),
                    conference_target=day_of(target) if held else None,
                    conference_date=day_of(held) if 0 < held <= today else None,
                    conference_not_required=held == 0,
                )
        for k, (start, end, category, latest, previous) in enumerate(episode.cp):
            if start <= today and end >= first:
                plan = f"{referral}/{k + 1}"
                rows.add(
                    "cp_plan",
                    child_ref=ref,
                    referral_ref=referral,
                    plan_ref=plan,
                    start_date=day_of(start),
                    end_date=day_of(end) if end <= today else None,
                    initial_category=category,
                    latest_category=latest,
                    previous_plans=previous,
                )
                for review in episode.reviews.get(start, ()):
                    if first <= review <= today:
                        rows.add("cp_review", child_ref=ref, plan_ref=plan, review_date=day_of(review))

    # The extract.

    def extract(self, until: date) -> dict[str, Reading]:
        """The case system's tables on a day, by the name of the SSD table."""
        rows = Rows()
        today = day_number(until)
        for record in self.records:
            ref = self.ids.person[record.place]
            self._person(rows, record, ref, today)
            for n, episode in record.episodes:
                self._extract_episode(rows, record.child, n, episode, ref)
                _early_help(rows, record.child, n, episode, ref, today)
            self._involvements(rows, record, ref)
        self._staff(rows)
        places = np.array([record.child for record in self.records])
        self.truth.knows("ssd", places, [self.ids.person[record.place] for record in self.records])
        tables = rows.tables(*_EXTRACT_TABLES)
        linked = rows.rows.get("identifier", [])
        readings = {}
        for name, (table, kept) in _SSD_TABLES.items():
            held = {table: tables[table]}
            if name == "ssd_person":
                held["child"] = pa.Table.from_pylist(
                    [row | {"postcode": None} for row in rows.rows["child"]], schema=arrow_schema("child")
                )
                held["identifier"] = pa.Table.from_pylist(
                    [r for r in linked if r["kind"] != "former_upn"], schema=arrow_schema("identifier")
                )
            elif name == "ssd_linked_identifiers":
                former = [r for r in linked if r["kind"] == "former_upn"]
                numbered = [r | {"line": n} for n, r in enumerate(former, start=2)]
                held["identifier"] = pa.Table.from_pylist(numbered, schema=arrow_schema("identifier"))
            elif name == "ssd_address":
                # The child's row stands on the line of the home that is open.
                homes = tables["home_address"]
                line = {h["child_ref"]: h["line"] for h in homes.to_pylist()}
                children = [
                    {"child_ref": r["child_ref"], "postcode": r["postcode"], "line": line[r["child_ref"]]}
                    for r in rows.rows["child"]
                ]
                held = {"child": pa.Table.from_pylist(children, schema=arrow_schema("child")), "home_address": homes}
            elif kept:
                # Tables of which one file holds some columns only.
                held[table] = _only(tables[table], table, kept)
            if table == "section_47" and name == "ssd_initial_cp_conference":
                held[table] = _numbered(held[table].filter(pa.compute.is_valid(held[table]["conference_target"])))
            readings[name] = Reading(
                kind=name.replace("_", "-"),
                system="ssd",
                period=name,
                covers=name,
                as_at=until.isoformat(),
                tables=held,
            )
        return readings

    def _person(self, rows: Rows, record: Record, ref: str, today: int) -> None:
        i = record.child
        self._child(rows, record, ref, today)
        surname, forename = self.people.names(i)
        row = rows.rows["child"][-1]
        unborn = self.people.birth[i] > today
        row |= {
            "surname": self.held(i, "surname", surname),
            "forename": "Unborn" if unborn else self.held(i, "forename", forename),
            "postcode": postcodes()[self.people.postcode[i]],
        }
        self._homes(rows, i, ref, today)
        second = record.place >= len(self.people)
        for kind, value in (
            ("person_id", ref),
            ("legacy_id", self.ids.legacy[record.place]),
            ("upn", "" if second else self._upn(i, today)),
            ("nhs_number", "" if second or unborn else self.ids.nhs[i]),
            ("former_upn", "" if second else self._former(i)),
        ):
            if value:
                rows.add("identifier", ref=ref, kind=kind, value=value)
                rows.rows["identifier"][-1]["line"] = row["line"]
        for disability in self.care.disabilities.get(i, ()):
            rows.add("disability", child_ref=ref, disability=disability)

    def _homes(self, rows: Rows, i: int, ref: str, today: int) -> None:
        """Where the child lives, and for the children of one household in six where it lived before."""
        codes, now, household = postcodes(), int(self.people.postcode[i]), int(self.people.household[i])
        moved = today - 60 - household * 97 % 1500
        before = household % 6 == 0 and self.people.birth[i] < moved
        if before:
            # Drawn from the household's own number, so that nothing else of the authority changes with it.
            earlier = codes[(now + 1 + household * 7919 % (len(codes) - 1)) % len(codes)]
            rows.add("home_address", child_ref=ref, postcode=earlier, end_date=day_of(moved - 1))
        start = day_of(moved) if before else None
        rows.add("home_address", child_ref=ref, postcode=codes[now], start_date=start)

    def _extract_episode(self, rows: Rows, i: int, n: int, episode: Episode, ref: str) -> None:
        referral = f"R{i:06d}{n}"
        team, worker = self._first_worker(i, n)
        rows.add(
            "referral",
            child_ref=ref,
            referral_ref=referral,
            referral_date=day_of(episode.referral),
            referral_source=episode.source,
            primary_need=None if episode.nothing_further else episode.need,
            no_further_action=episode.nothing_further,
            closure_date=_ended(episode.closure),
            closure_reason=episode.reason or None,
            team_ref=team,
            worker_ref=worker,
        )
        for k, (start, end, factors) in enumerate(episode.assessments):
            assessment = f"A{i:06d}{n}{k}"
            rows.add(
                "assessment",
                child_ref=ref,
                referral_ref=referral,
                assessment_ref=assessment,
                start_date=day_of(start),
                end_date=_ended(end),
            )
            for factor in factors if end < OPEN else ():
                rows.add(
                    "assessment_factor", child_ref=f"assessment:{assessment}", assessment_ref=assessment, factor=factor
                )
        for k, (start, end) in enumerate(episode.cin):
            if (i, n, k) not in self.faults.not_in_extract:
                rows.add(
                    "cin_plan",
                    child_ref=ref,
                    referral_ref=referral,
                    plan_ref=f"N{i:06d}{n}{k}",
                    start_date=day_of(start),
                    end_date=_ended(end),
                    team_ref=team,
                    worker_ref=worker,
                )
        for k, (start, target, held) in enumerate(episode.enquiries):
            rows.add(
                "section_47",
                child_ref=ref,
                referral_ref=referral,
                enquiry_ref=f"Q{i:06d}{n}{k}",
                start_date=day_of(start),
                end_date=day_of(held or target) if held >= 0 else None,
                conference_target=day_of(target) if held else None,
                conference_date=day_of(held) if held > 0 else None,
                conference_not_required=held == 0,
            )
        for k, (start, end, category, latest, previous) in enumerate(episode.cp):
            plan = f"P{i:06d}{n}{k}"
            rows.add(
                "cp_plan",
                child_ref=ref,
                referral_ref=referral,
                plan_ref=plan,
                start_date=day_of(start),
                end_date=_ended(end),
                initial_category=category,
                latest_category=self.faults.misspelt.get((i, n, k), latest),
                previous_plans=previous,
                other_authority=(i, n, k) in self.faults.other_authority,
            )
            for review in episode.reviews.get(start, ()):
                rows.add("cp_review", child_ref=ref, plan_ref=plan, review_date=day_of(review), due_date=day_of(review))
        for start, end in episode.looked_after:
            rows.add(
                "looked_after", child_ref=ref, referral_ref=referral, start_date=day_of(start), end_date=_ended(end)
            )

    def _first_worker(self, i: int, n: int) -> tuple[str | None, str | None]:
        for each in self.care.involvements.get(i, ()):
            if each.episode == n:
                return f"T{self.care.workers[each.worker].team + 1:02d}", f"W{each.worker + 1:04d}"
        return None, None

    def _involvements(self, rows: Rows, record: Record, ref: str) -> None:
        stale, lost = self.faults.stale.get(record.child, (-1, []))
        mine = {n for n, _ in record.episodes}
        for place, each in enumerate(self.care.involvements.get(record.child, ())):
            if each.episode not in mine or place in lost:
                continue
            end = None if place == stale else _ended(each.end)
            rows.add(
                "involvement",
                child_ref=ref,
                referral_ref=f"R{record.child:06d}{each.episode}",
                professional_ref=f"W{each.worker + 1:04d}",
                role=each.role,
                is_social_worker=each.role == SOCIAL_WORKER,
                team_ref=f"T{self.care.workers[each.worker].team + 1:02d}",
                start_date=day_of(each.start),
                end_date=end,
                change_reason=each.reason if end and each.reason else None,
            )

    def _staff(self, rows: Rows) -> None:
        for n, worker in enumerate(self.care.workers):
            chair = self.care.teams[worker.team].kind == "reviewing"
            rows.add(
                "professional",
                professional_ref=f"W{n + 1:04d}",
                name=worker.name,
                registration=f"SW{900000 + n}",
                job_title="Independent Reviewing Officer" if chair else "Social Worker",
                # Who has left is in no team.
                team_ref=f"T{worker.team + 1:02d}" if worker.leaves == OPEN else None,
            )
        for n, team in enumerate(self.care.teams):
            rows.add(
                "team", team_ref=f"T{n + 1:02d}", name=team.name, parent_ref="T00", parent_name="Children's Services"
            )

    def list_faults(self, census_files: dict[int, str]) -> None:
        """Write down every fault of the care system, once for each system that shows it."""
        last_census = max(census_files.values()) if census_files else ""
        in_census = self.in_census
        self.truth.knows("cin-census", np.array(list(in_census.values())), list(in_census))
        add, person = self.truth.add, f"{SSD}/ssd_person.csv"
        count = len(self.people)
        for i, change in self.faults.changes.items():
            days = change.field == "birth_date"
            planted = day_of(int(str(change.planted))) if days else change.planted
            true = day_of(int(str(change.true))) if days else change.true
            table = "identifier" if change.field == "upn" else "child"
            # A child not yet of school age, or only in years not sent, shows the fault in one system or in neither.
            if change.field == "upn" and not self.numbers.upn[i]:
                continue
            add(change.kind, file=person, system="ssd", ref=self.ids.person[i], table=table, name=change.field,
                planted=planted, true=true, child=i)  # fmt: skip
            # The census has no names, and before 2025 its gender codes were right.
            shown = change.field not in ("surname", "forename") and (
                change.kind != "old-gender-code" or max(census_files, default=0) >= _SEX_SINCE
            )
            if shown and self.ids.legacy[i] in in_census:
                add(change.kind, file=last_census, system="cin-census", ref=self.ids.legacy[i], table=table,
                    name=change.field, planted=planted, true=true, child=i)  # fmt: skip
        for i in self.faults.seconds:
            add("duplicate-child", file=person, system="ssd", ref=self.ids.person[count + i], table="child",
                name="child_ref", planted=self.ids.person[count + i], true=self.ids.person[i], child=i)  # fmt: skip
            if self.ids.legacy[count + i] in in_census:
                add("duplicate-child", file=last_census, system="cin-census", ref=self.ids.legacy[count + i],
                    table="child", name="child_ref", planted=self.ids.legacy[count + i], true=self.ids.legacy[i],
                    child=i)  # fmt: skip
        for i, (stale, lost) in self.faults.stale.items():
            was, now = (self.care.involvements[i][n] for n in (stale, lost[0]))
            add("stale-worker", file=f"{SSD}/ssd_involvements.csv", system="ssd", ref=self.ids.person[i],
                table="involvement", name="professional_ref", planted=f"W{was.worker + 1:04d}",
                true=f"W{now.worker + 1:04d}", child=i)  # fmt: skip
        for kind, plans, file, system in (
            ("plan-not-in-census", self.faults.not_in_census, last_census, "cin-census"),
            ("plan-not-in-extract", self.faults.not_in_extract, f"{SSD}/ssd_cin_plans.csv", "ssd"),
            ("late-recording", self.faults.late, last_census, "cin-census"),
        ):
            for i, n, k in plans:
                start, end = self.care.episodes[i][n].cin[k]
                ids = self.ids.legacy if system == "cin-census" else self.ids.person
                late = kind == "late-recording"
                add(kind, file=file, system=system, ref=ids[i], table="cin_plan",
                    name="end_date" if late else "start_date", planted="",
                    true=day_of(end) if late else day_of(start), child=i)  # fmt: skip
        for (i, n, k), word in self.faults.misspelt.items():
            add("category-misspelt", file=f"{SSD}/ssd_cp_plans.csv", system="ssd", ref=self.ids.person[i],
                table="cp_plan", name="latest_category", planted=word, true=self.care.episodes[i][n].cp[k][3],
                child=i)  # fmt: skip
        for i, n, k in self.faults.other_authority:
            add("other-authority", file=f"{SSD}/ssd_cp_plans.csv", system="ssd", ref=self.ids.person[i],
                table="cp_plan", name="start_date", planted=day_of(self.care.episodes[i][n].cp[k][0]), true="",
                child=i)  # fmt: skip


def _in_census(episode: Episode, first: int, today: int) -> bool:
    if episode.nothing_further:
        return first <= episode.referral <= today
    return episode.referral <= today and episode.closure >= first


def _early_help(rows: Rows, i: int, n: int, episode: Episode, ref: str, today: int) -> None:
    """One in three families steps down to early help, the day after the referral that held a plan is closed."""
    # By the child's place, not by chance: nothing else of the authority follows from it.
    if not episode.on_plan or (i + n) % 3 or episode.closure >= today:
        return
    start = episode.closure + 1
    end = start + 60 + (37 * i) % 240
    rows.add(
        "early_help",
        child_ref=ref,
        episode_ref=f"E{i:06d}{n}",
        start_date=day_of(start),
        end_date=day_of(end) if end < today else None,
        reason="Step down from a plan",
        end_reason="Needs met" if end < today else None,
        organisation="Family help",
    )


def _ended(day: int) -> date | None:
    return day_of(day) if day < OPEN else None


def _only(table: pa.Table, name: str, kept: tuple[str, ...]) -> pa.Table:
    columns = [
        table[f.name] if f.name in kept or f.name == "line" else pa.nulls(table.num_rows, f.type)
        for f in arrow_schema(name)
    ]
    return pa.table(columns, schema=arrow_schema(name))


def _numbered(table: pa.Table) -> pa.Table:
    line = table.schema.get_field_index("line")
    return table.set_column(line, "line", pa.array(range(2, table.num_rows + 2), pa.int32()))


_CENSUS_TABLES = (
    "child",
    "identifier",
    "disability",
    "referral",
    "assessment",
    "assessment_factor",
    "cin_plan",
    "section_47",
    "cp_plan",
    "cp_review",
)
_EXTRACT_TABLES = (*_CENSUS_TABLES, "home_address", "looked_after", "early_help", "involvement", "professional", "team")
_CP_COLUMNS = tuple(n for n in arrow_schema("cp_plan").names if n != "previous_plans")
# By SSD table: the vocabulary table it is written from, and the columns it holds where others hold the rest.
_SSD_TABLES: dict[str, tuple[str, tuple[str, ...]]] = {
    "ssd_person": ("child", ()),
    "ssd_linked_identifiers": ("identifier", ()),
    "ssd_address": ("child", ()),
    "ssd_disability": ("disability", ()),
    "ssd_cin_episodes": ("referral", ()),
    "ssd_cin_assessments": ("assessment", ()),
    "ssd_assessment_factors": ("assessment_factor", ()),
    "ssd_cin_plans": ("cin_plan", ()),
    "ssd_s47_enquiry": ("section_47", ("child_ref", "referral_ref", "enquiry_ref", "start_date", "end_date")),
    "ssd_initial_cp_conference": (
        "section_47",
        ("child_ref", "referral_ref", "enquiry_ref", "conference_target", "conference_date"),
    ),
    "ssd_cp_plans": ("cp_plan", _CP_COLUMNS),
    "ssd_cp_reviews": ("cp_review", ()),
    "ssd_cla_episodes": ("looked_after", ()),
    "ssd_early_help_episodes": ("early_help", ()),
    "ssd_involvements": ("involvement", ()),
    "ssd_professionals": ("professional", ()),
    "ssd_department": ("team", ()),
}
