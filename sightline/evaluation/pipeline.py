"""The linked data set, written once in Ibis: plans merged and cut into academic years, joined to pupils and outcomes.

Each step is an expression that DuckDB and Spark answer alike (see `sightline.engine.relations`). Imported only when a
study is linked, since Ibis takes half a second to load.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

import ibis
from ibis import _

from sightline.engine.relations import Relations
from sightline.evaluation.received import SUSPENDED, TABLES
from sightline.evaluation.study import NO_PLAN, PLANS, Study
from sightline.vocabulary.dates import day_in_words

STAGES: Final = ("ks1", "ks2", "ks4")
FAR: Final = date(9999, 12, 31)
_KINDS: Final = {"VARCHAR": "string", "INTEGER": "int32", "DOUBLE": "float64", "DATE": "date"}
_KEPT: Final[Mapping[str, str]] = {
    "female": "int8",
    "age": "int8",
    "ethnicity": "string",
    "fsm": "int8",
    "idaci": "decimal(9, 6)",
    "authority": "string",
    "region": "string",
    "school": "string",
    "send": "int8",
}
_BEST: Final = ("send", "fsm", "idaci", "age", "female", "ethnicity", "authority", "school", "region")
"""Of several records of one pupil in a year the first by these is kept; `send` and `fsm` from high to low."""
SESSIONS: Final = "decimal(9, 2)"

Step = tuple[str, str, int]
"""One step counted: the part of the study, what was counted, how many."""


def received(name: str, pupil: str) -> Any:
    """A received table as steps know it; `pupil` is the type of the pupil matching references."""
    schema = {n: pupil if n == "pupil" else _KINDS[c.kind] for n, c in TABLES[name].items()}
    return ibis.table(schema, name=name)


def plan_record(pupil: str) -> Any:
    """Plans of every census as received."""
    schema = {"pupil": pupil, "plan": "string", "start": "date", "last": "date", "census": "int32"}
    return ibis.table(schema, name="plan_record")


def steps(relations: Relations, study: Study, pupil: str, *, plans_only: bool = False) -> Iterator[Step]:
    """Make every linked table, and count each step on the way; `pupil` is "int64" or "string"."""
    made = _Making(relations, study, pupil)
    yield from made.plans()
    yield from made.exposure()
    if plans_only:
        return
    yield from made.pupil_years()
    for stage in STAGES:
        yield from made.attainment(stage)


def _decimal(column: Any) -> Any:
    return column.cast(SESSIONS)


def _missed(record: Any) -> Any:
    # Both kinds of absence, or the whole where an extract has nothing else.
    return (record.authorised + record.unauthorised).coalesce(record.overall)


def _later(day: Any, **by: int) -> Any:
    # A day and an interval are a moment in DuckDB, which Ibis takes for a day: the cast must be said twice.
    return (day + ibis.interval(**by)).cast("timestamp").cast("date")


class _Making:
    """The tables made so far, and what they are made with."""

    def __init__(self, relations: Relations, study: Study, pupil: str) -> None:
        self.relations = relations
        self.study = study
        self.pupil = pupil
        self.years = list(study.windows.years)

    def make(self, name: str, *parts: Any, last: bool = False, as_written: bool = False) -> Any:
        self.relations.make(name, *parts, last=last, as_written=as_written)
        return ibis.table(parts[0].schema(), name=name)

    def plans(self) -> Iterator[Step]:
        """Plans as spells: the latest census's word on each, open ones closed where data stop, overlaps merged."""
        part, study = "Plans", self.study
        p = plan_record(self.pupil)
        good = p.pupil.notnull() & p.start.notnull()
        n = self.relations.row(
            p.aggregate(
                received=p.count(),
                no_pupil=p.pupil.isnull().sum(),
                no_start=(p.pupil.notnull() & p.start.isnull()).sum(),
                census=p.census.max(where=good),
                newest=ibis.greatest(p.start, p["last"].coalesce(p.start)).max(),
            )
        )
        yield part, "Records of plans received", n["received"]
        yield part, "Left out: no pupil matching reference", n["no_pupil"] or 0
        yield part, "Left out: no start", n["no_start"] or 0
        to = study.windows.plans_to
        final: date = to or n["newest"] or study.windows.start(self.years[-1] + 1)
        said = p.filter(good).group_by("pupil", "plan", "start", "census").aggregate(last=_["last"].max())
        # A census that leaves the end empty has the last word too, so nothing stands for a day that never comes.
        known = (
            said.mutate(last=_["last"].coalesce(ibis.literal(FAR)))
            .group_by("pupil", "plan", "start")
            .aggregate(last=_["last"].argmax(_.census), census=_.census.max())
            .mutate(last=_["last"].nullif(ibis.literal(FAR)))
        )
        # A plan that no later census mentions, though one was taken, is not known to have gone on.
        known = known.mutate(lost=known["last"].isnull() & (known.census < ibis.literal(n["census"] or 0)))
        known = self.make("plan_known", known)
        end = ibis.literal(final)
        n = self.relations.row(
            known.aggregate(
                plans=known.count(),
                lost=known.lost.sum(),
                open=(~known.lost & (known.start <= end) & (known["last"].isnull() | (known["last"] > end))).sum(),
                backwards=(known["last"] < known.start).sum(),
                late=(known.start > end).sum(),
            )
        )
        yield part, "Plans, each once", n["plans"]
        yield (
            part,
            "Of these, without an end and in no later census: taken to end on 31 March of the last that had them",
            n["lost"] or 0,
        )
        yield (
            part,
            f"Of these, open when the data stop{f' on {day_in_words(to)}' if to else ''}: months after it are not seen",
            n["open"] or 0,
        )
        yield part, "Left out: ends before it starts", n["backwards"] or 0
        yield part, "Left out: starts after the data stop", n["late"] or 0
        after = ibis.literal(final + timedelta(days=1))
        ended = known["last"]
        if study.exposure.end_day_counts:
            ended = _later(ended, days=1)
        stop = ibis.cases((known["last"].notnull(), ended), (known.lost, ibis.date(known.census, 4, 1)), else_=after)
        span = known.filter((known.start <= end) & (known["last"].isnull() | (known["last"] >= known.start))).select(
            "pupil", "plan", "start", stop=ibis.least(after, stop)
        )
        span = span.filter(span.stop > span.start)
        order = {"group_by": [span.pupil, span.plan], "order_by": [span.start, span.stop]}
        reached = span.mutate(reach=span.stop.max().over(ibis.window(**order, preceding=(None, 1))))
        fresh = ibis.ifelse(reached.reach.notnull() & (reached.start <= reached.reach), 0, 1)
        order = {"group_by": [reached.pupil, reached.plan], "order_by": [reached.start, reached.stop]}
        numbered = reached.mutate(fresh=fresh).mutate(
            number=_.fresh.sum().over(ibis.window(**order, preceding=None, following=0))
        )
        spell = numbered.group_by("pupil", "plan", "number").aggregate(
            start=_.start.min(), stop=_.stop.max(), unmerged=_.stop.delta(_.start, unit="day").sum()
        )
        self.spell = self.make("spell", spell.drop("number"))
        n = self.relations.row(
            self.spell.aggregate(
                spells=self.spell.count(),
                twice=(self.spell.unmerged - self.spell.stop.delta(self.spell.start, unit="day")).sum(),
            )
        )
        yield part, "Spells once overlapping and adjoining plans are merged", n["spells"]
        yield part, "Days that would have been counted twice without merging", n["twice"] or 0

    def exposure(self) -> Iterator[Step]:
        """Days and months on each kind of plan by academic year, and who had one when."""
        windows = self.study.windows
        cut = ibis.union(*(self._in_year(y) for y in self.years))
        key = ("pupil", "plan", "year")
        days = cut.group_by(*key).aggregate(days=_.b.delta(_.a, unit="day").sum().cast("int32"))
        months = self._months(cut).mutate(months=_.months.round(6).cast("decimal(9, 6)"))
        exposure = self.make("exposure", days.join(months, key).select(*key, "days", "months"), last=True)
        after = exposure.year.isin(list(windows.after))
        plans = exposure.group_by("pupil", "plan").aggregate(years=_.count(), before=(~after).any(), after=after.any())
        self.pupil_plan = self.make("pupil_plan", plans, last=True)
        first = self.study.groups.both_plans
        status = exposure.group_by("pupil", "year").aggregate(
            grp=ibis.ifelse((exposure["plan"] == first).any(), first, exposure["plan"].min()), kinds=_.count()
        )
        self.status = self.make("status", status, last=True)
        self.exposed = exposure
        n = self.relations.row(
            self.pupil_plan.aggregate(
                **{f"plan_{i}": (self.pupil_plan["plan"] == plan).sum() for i, plan in enumerate(PLANS)}
            )
        )
        for i, plan in enumerate(PLANS):
            yield "Plans", f"Pupils with a {plan} in a year of the study", n[f"plan_{i}"] or 0
        both = self.relations.row(self.status.aggregate(n=(self.status.kinds > 1).sum()))
        yield "Plans", "Pupils and years with both kinds of plan", both["n"] or 0

    def _in_year(self, year: int) -> Any:
        first, after = (ibis.literal(self.study.windows.start(y)) for y in (year, year + 1))
        return self.spell.filter((_.start < after) & (_.stop > first)).select(
            "pupil",
            "plan",
            year=ibis.literal(year, "int16"),
            a=ibis.greatest(_.start, first),
            b=ibis.least(_.stop, after),
        )

    def _months(self, cut: Any) -> Any:
        """Months of each pupil, plan and year by the study's rule for part months."""

        def place(day: Any) -> Any:
            # Months since nought, the share of the month that has gone as a fraction.
            first = day.truncate("M").cast("date")
            length = _later(first, months=1).delta(first, unit="day")
            return (day.year() * 12 + day.month()).cast("float64") + (day.day() - 1).cast("float64") / length

        a, b = place(cut.a), place(cut.b)
        key = ("pupil", "plan", "year")
        rule = self.study.exposure.part_months
        if rule == "touched":
            touched = cut.select(*key, m=ibis.range(a.floor().cast("int64"), b.ceil().cast("int64")).unnest())
            return touched.distinct().group_by(*key).aggregate(months=_.count().cast("float64"))
        value = {
            "share": b - a,
            "days": cut.b.delta(cut.a, unit="day").cast("float64") / 30.4375,
            "whole": ibis.greatest(b.floor() - a.ceil(), 0).cast("float64"),
        }[rule]
        return cut.select(*key, value=value).group_by(*key).aggregate(months=_.value.sum())

    def pupil_years(self) -> Iterator[Step]:
        """One row per pupil and year of the census, with covariates, sessions missed and suspended, and months."""
        part = "Pupils"
        census = received("census", self.pupil)
        inside = census.year.isin(self.years)
        n = self.relations.row(
            census.aggregate(
                received=census.count(),
                no_pupil=census.pupil.isnull().sum(),
                outside=(census.pupil.notnull() & ~inside.fill_null(False)).sum(),
            )
        )
        yield part, "Census records received", n["received"]
        yield part, "Left out: no pupil matching reference", n["no_pupil"] or 0
        yield part, "Left out: not in a year of the study", n["outside"] or 0
        census = census.filter(census.pupil.notnull() & inside).mutate(year=_.year.cast("int16"))
        absence = received("absence", self.pupil)
        absence = absence.filter(absence.pupil.notnull() & absence.year.isin(self.years)).mutate(
            year=_.year.cast("int16")
        )
        twice = self._twice("census_twice", census)
        missed = self._missed(absence)
        with_send = self.make("with_send", census.filter(census.send == 1).select("pupil").distinct())
        never = self._send_never_known(census)
        self.pupil_year = made = self._pupil_year(census, twice, missed, with_send, never)
        m = self.relations.row(
            made.aggregate(
                pupil_years=made.count(),
                pupils=made.pupil.nunique(),
                no_absence=made.missed.isnull().sum(),
                absences=made.absences.sum(),
            )
        )
        records = n["received"] - (n["no_pupil"] or 0) - (n["outside"] or 0)
        yield part, "Pupils and years", m["pupil_years"]
        yield part, "Census records beyond the first of a pupil in a year", records - m["pupil_years"]
        yield part, "Pupils", m["pupils"]
        yield part, "Pupils with SEND in a year", self.relations.row(with_send.aggregate(n=with_send.count()))["n"]
        yield part, "Pupils whose SEND is never known", self.relations.row(never.aggregate(n=never.count()))["n"]
        yield part, "Pupils and years without absence data", m["no_absence"] or 0
        held = self.relations.row(absence.aggregate(n=absence.count()))["n"] or 0
        yield part, "Absence records whose pupil is in no census of the year", held - (m["absences"] or 0)
        yield from self._unmatched(part)
        for name in ("census_twice", "absence_twice", "with_send", "send_never_known", "send_never_spoken", "extra"):
            self.relations.drop(name)

    def _twice(self, name: str, records: Any) -> Any:
        """Pupils and years with more than one record: nearly every one has one, so only these are sorted or summed.

        Those of a pupil are counted by year in one row, a quarter of the groups that pupils and years would make.
        """
        most = ibis.greatest(*(records.count(where=records.year == year) for year in self.years), 0)
        several = records.group_by("pupil").aggregate(most=most).filter(_.most > 1).select("pupil")
        counted = records.semi_join(several, "pupil").group_by("pupil", "year").aggregate(records=_.count())
        return self.make(name, counted.filter(_.records > 1))

    def _missed(self, absence: Any) -> Any:
        """One row per pupil and year with absence: a pupil of two schools has two records, which add up.

        One record received twice is one.
        """
        key = ("pupil", "year")
        twice = self._twice("absence_twice", absence)
        again = (
            absence.semi_join(twice, key)
            .distinct()
            .group_by(*key)
            .aggregate(missed=_decimal(_missed(_).sum()), possible=_decimal(_.possible.sum()))
            .join(twice, key)
            .select(*key, "missed", "possible", absences=_.records.cast("int16"))
        )
        once = absence.anti_join(twice, key).select(
            *key,
            missed=_decimal(_missed(_)),
            possible=_decimal(_.possible),
            absences=ibis.literal(1, "int16"),
        )
        return ibis.union(once, again)

    def _send_never_known(self, census: Any) -> Any:
        silent = self.make("send_never_known", census.filter(census.send.isnull()).select("pupil").distinct())
        if self.relations.row(silent.aggregate(n=silent.count()))["n"]:
            spoken = census.filter(census.send.notnull()).semi_join(silent, "pupil").select("pupil").distinct()
            spoken = self.make("send_spoken", spoken)
            never = self.make("send_never_spoken", silent.anti_join(spoken, "pupil"))
            self.relations.drop("send_spoken")
            return never
        return silent

    def _pupil_year(self, census: Any, twice: Any, missed: Any, with_send: Any, never: Any) -> Any:
        exclusions = received("exclusions", self.pupil)
        suspended = (
            exclusions.filter(exclusions.category.isin(list(SUSPENDED)))
            .distinct()
            .filter(_.pupil.notnull() & _.year.isin(self.years))
            .group_by("pupil", "year")
            .aggregate(value=_decimal(_.sessions.sum()))
        )
        nothing = ibis.null("decimal(9, 6)")
        extra = ibis.union(
            suspended.select("pupil", year=_.year.cast("int16"), s=_.value, cin=nothing, cp=nothing),
            *(
                self.exposed.filter(self.exposed["plan"] == plan).select(
                    "pupil",
                    "year",
                    s=ibis.null(SESSIONS),
                    cin=_.months if plan == "CIN plan" else nothing,
                    cp=_.months if plan == "CP plan" else nothing,
                )
                for plan in PLANS
            ),
        )
        extra = self.make(
            "extra", extra.group_by("pupil", "year").aggregate(s=_.s.max(), cin=_.cin.max(), cp=_.cp.max())
        )
        key = ("pupil", "year")
        columns = [census[name].cast(kind).name(name) for name, kind in _KEPT.items()]
        narrow = census.select(*key, *columns)
        order = [ibis.desc(_[n], nulls_first=False) if n in ("send", "fsm") else ibis.asc(_[n], nulls_first=False)
                 for n in _BEST]  # fmt: skip
        one = _one_each(narrow, twice, key, order)
        yes = ibis.literal(1, "int8")
        held = self.relations.row(
            exclusions.aggregate(**{f"y{year}": exclusions.count(where=exclusions.year == year) for year in self.years})
        )

        def sessions_suspended(year: int) -> Any:
            # A pupil in the census with no suspension in the year's exclusions was not suspended; in a year of which
            # no exclusion was received nobody knows.
            return _.s.coalesce(ibis.literal(0).cast(SESSIONS)) if held[f"y{year}"] else ibis.null(SESSIONS)

        zero = ibis.literal(0).cast("decimal(9, 6)")

        def of_year(year: int) -> Any:
            found = one.filter(one.year == year)
            for side in (missed, extra):
                found = found.left_join(side.filter(side.year == year).drop("year"), "pupil").drop("pupil_right")
            found = found.left_join(with_send.mutate(marked=yes), "pupil").drop("pupil_right")
            found = found.left_join(never.mutate(unknown=yes), "pupil").drop("pupil_right")
            return found.select(
                *key,
                *_KEPT,
                post=ibis.literal(int(year in self.study.windows.after), "int8"),
                send_ever=ibis.cases((_.marked == 1, 1), (_.unknown == 1, None), else_=0).cast("int8"),
                missed=_.missed,
                possible=_.possible,
                absences=_.absences,
                suspended=sessions_suspended(year),
                cin_months=_.cin.coalesce(zero),
                cp_months=_.cp.coalesce(zero),
            )

        # Year by year, what is held to look pupils up in is a quarter as large: a nation's four years at once would not
        # fit. As written, because DuckDB left to itself would hold the census and not the absence.
        return self.make("pupil_year", *map(of_year, self.years), last=True, as_written=True)

    def _unmatched(self, part: str) -> Iterator[Step]:
        exclusions = received("exclusions", self.pupil)
        wanted = exclusions.category.isin(list(SUSPENDED))
        n = self.relations.row(exclusions.aggregate(n=(~wanted | exclusions.category.isnull()).sum()))
        yield part, "Exclusion records that are not suspensions", n["n"] or 0
        known = exclusions.filter(wanted)
        once, every = (self.relations.row(r.aggregate(n=r.count()))["n"] for r in (known.distinct(), known))
        yield (
            part,
            "Suspension records alike in pupil, year, category, first day and sessions, counted once",
            every - once,
        )
        here = self.pupil_year
        lone = (
            exclusions.filter(wanted & exclusions.year.isin(self.years))
            .mutate(year=_.year.cast("int16"))
            .anti_join(here, ("pupil", "year"))
        )
        yield (
            part,
            "Suspension records whose pupil is in no census of the year",
            self.relations.row(lone.aggregate(n=lone.count()))["n"],
        )
        lone = self.pupil_plan.select("pupil").distinct().anti_join(here, "pupil")
        yield (
            part,
            "Pupils with a plan in a year of the study and in no census of it",
            self.relations.row(lone.aggregate(n=lone.count()))["n"],
        )

    def attainment(self, stage: str) -> Iterator[Step]:
        """One row per pupil of a key stage in a year of the windows, with group and covariates."""
        part = f"Key stage {stage[2]}"
        results = received(stage, self.pupil)
        inside = results.year.isin(self.years)
        n = self.relations.row(
            results.aggregate(
                received=results.count(),
                no_pupil=results.pupil.isnull().sum(),
                outside=(results.pupil.notnull() & ~inside.fill_null(False)).sum(),
                inside=(results.pupil.notnull() & inside.fill_null(False)).sum(),
            )
        )
        yield part, "Records received", n["received"]
        yield part, "Left out: no pupil matching reference", n["no_pupil"] or 0
        yield part, "Left out: not in a year of the study", n["outside"] or 0
        key = ("pupil", "year")
        mine = results.filter(results.pupil.notnull() & inside).mutate(year=_.year.cast("int16"))
        outcomes = [name for name in TABLES[stage] if name not in key]
        order = [ibis.desc(_[name], nulls_first=False) for name in outcomes]
        twice = self._twice(f"{stage}_twice", mine)
        one = _one_each(mine, twice, key, order)
        taken = ("post", "female", "ethnicity", "fsm", "idaci", "authority", "region", "school", "send", "send_ever")
        linked = (
            one.join(self.pupil_year, key)
            .select(*key, *outcomes, *taken)
            .left_join(self.status, key)
            .select(*key, *outcomes, *taken, grp=_.grp.coalesce(NO_PLAN))
        )
        made = self.make(f"{stage}_linked", linked, last=True)
        pupils = self.relations.row(made.aggregate(n=made.count()))["n"]
        yield (
            part,
            "Left out: in no census of the year, or a second record of one pupil in a year",
            (n["inside"] or 0) - pupils,
        )
        yield part, "Pupils", pupils


def _one_each(records: Any, twice: Any, key: tuple[str, ...], order: Sequence[Any]) -> Any:
    """The records, of those in `twice` the first in the order alone."""
    best = (
        records.semi_join(twice, key)
        .mutate(place=ibis.row_number().over(ibis.window(group_by=list(key), order_by=list(order))))
        .filter(_.place == 0)
        .drop("place")
    )
    return ibis.union(records.anti_join(twice, key), best)
