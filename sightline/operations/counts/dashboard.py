"""The cohort as a dashboard counts it: one row per child with all there is to slice by, and sums of any slice."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from sightline import cohort, measures
from sightline.disclosure import LOCAL
from sightline.operations.opened import Opened, Scope
from sightline.vocabulary.codes import code_list
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.localities import OUTSIDE
from sightline.vocabulary.periods import academic_year, year_start
from sightline.vocabulary.tables import Sensitivity

NOT_HELD: Final = "none"
"""How an address, and a table, name the children of whom a dimension is not known."""
EARLY_HELP: Final = "Early Help"
ON_HELP, NO_HELP = "On Early Help", "Not on Early Help"
OTHER_LEADS: Final = "Other lead organisations of Early Help"
OUT_OF_AGE: Final = {"below": "Below school age", "above": "Above school age"}
"""Where no school is found, and none need be."""
OUT_OF_LOCALITIES: Final = "Outside the localities"
"""Where the home is known and lies in no area of the authority's locality model."""
NO_MODEL: Final = (
    "No locality model has been received. Send a list of your localities: a column of areas (LSOA or ward codes, "
    "postcodes, postcode sectors or districts) and one of the localities they are in."
)
NO_HOMES: Final = (
    "No child’s home can be placed in your localities. If your list goes by small areas (LSOA) or wards, send the "
    "postcode directory of the Office for National Statistics too; else check that addresses are among the files."
)
_EARLIEST = timedelta(weeks=4)


@dataclass(frozen=True, slots=True)
class Dimension:
    """One way to slice the cohort: its name in an address, its label, what stands for "not known", the class of field
    that a role must read to use it, and what it means. `order` lists its values where they have an order."""

    key: str
    label: str
    missing: str
    sensitivity: Sensitivity
    says: str
    order: tuple[str, ...] = ()

    @property
    def within(self) -> str:
        """The label as it stands within a sentence."""
        return self.label if self.label.startswith("English") else self.label[0].lower() + self.label[1:]


DAYS = ("under 3 months", "3 to 6 months", "6 months to 1 year", "1 to 2 years", "2 years or more")
DEPRIVATION = ("Most deprived fifth", "Second fifth", "Third fifth", "Fourth fifth", "Least deprived fifth")
_YEARS = tuple(c.code for c in code_list("year_group"))
_E, _S = Sensitivity.EDUCATION, Sensitivity.SPECIAL
DIMENSIONS: Final[Mapping[str, Dimension]] = {
    d.key: d
    for d in (
        Dimension("plan", "Plan", "No plan", Sensitivity.CARE_STATUS, "Status that counts on the day",
                  (*cohort.STATUSES, EARLY_HELP)),
        Dimension("early_help", "Early Help", "Early Help not known", Sensitivity.CARE_STATUS,
                  "Whether an episode of Early Help is open on the day, plan or none", (ON_HELP, NO_HELP)),
        Dimension("team", "Team", "No team", Sensitivity.STAFF,
                  "Team of the allocated social worker; of a child of Early Help alone, the lead organisation where it "
                  f"leads for {LOCAL.threshold} children or more"),
        Dimension("worker", "Social worker", "No worker", Sensitivity.STAFF, "Allocated social worker"),
        Dimension("school", "School", "No school found", _E, "School of the registration that covers the day"),
        Dimension("trust", "Trust", "No trust known", _E, "The school's trust, by the register of schools"),
        # A part of the authority with thousands of homes, and no address: read by whoever reads where the school is.
        Dimension("locality", "Locality of the home", "Locality not known or not shown", _E,
                  "Where the child lives on the day, by the authority's own locality model; not shown of a child whose "
                  "address is confidential"),
        Dimension("school_town", "Town of the school", "Town of the school not known", _E,
                  "The school's town or locality, by the register of schools"),
        Dimension("phase", "Phase", "Phase not known", _E, "The school's phase of education"),
        Dimension("type", "School type", "Type not known", _E, "The school's type of establishment"),
        Dimension("year", "Year group", "Year group not known", _E, "National curriculum year", _YEARS),
        Dimension("sex", "Sex", "Sex not known", Sensitivity.IDENTITY, "Sex as recorded", ("F", "M", "U")),
        Dimension("ethnicity", "Ethnic group", "Ethnic group not known", _S, "Main group of the recorded ethnicity",
                  ("White", "Mixed", "Asian", "Black", "Chinese", "Other")),
        Dimension("sen", "Special educational needs", "SEN not known", _E,
                  "Provision in the latest school census or transfer file",
                  ("EHC plan", "SEN support", "No SEN recorded")),
        Dimension("fsm", "Free school meals", "Free school meals not known", _E,
                  "Eligible on the latest census day; a census that names no eligibility is said to",
                  ("Eligible", "Not eligible", "None recorded")),
        Dimension("fsm_ever_6", "Free school meals in six years", "Free school meals in six years not known", _E,
                  "Ever 6 FSM: eligible on a census day of the six years to the newest day", ("Yes", "No")),
        Dimension("deprivation", "Deprivation of the home’s area", "Area of the home not known", _E,
                  "Fifth of England’s small areas by income deprivation affecting children (IDACI): the home’s, now",
                  DEPRIVATION),
        Dimension("eal", "English as an additional language", "First language not known", _S,
                  "First language is not English", ("Yes", "No")),
        Dimension("days", "Time on plan", "No plan open", Sensitivity.CARE_STATUS,
                  "Days from the first day of the plan", DAYS),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Panel:
    """The cohort on a day, one row per child, and the cohort on an earlier day.

    `rows`: children with a status on `on` (and, with the status "Early Help", those with an open episode and none),
    with a column per dimension, the sums and flags of `measures.panel` from `start` on, and `joined` (on a plan on
    `on` and not on `since`). `then`: children on a plan on `since`, with the dimensions of that day and
    `gone` (on no plan on `on`). `labels` gives the words of values that are not words themselves, by dimension.
    `lacking`: the dimensions of which nothing can be said, with what to send; nobody has a value of them.
    """

    on: date
    start: date
    since: date
    rows: pa.Table
    then: pa.Table
    labels: Mapping[str, Mapping[str, str]]
    lacking: Mapping[str, str] = field(default_factory=dict)

    def offers(self, dimension: str) -> bool:
        """Whether the panel can be divided by a dimension."""
        return dimension not in self.lacking

    @property
    def geography(self) -> str:
        """By what the regular tables divide the authority: the locality of the home, else the town of the school."""
        return "locality" if self.offers("locality") else "school_town"

    def says(self, dimension: str, value: str | None) -> str:
        """A value in words."""
        if value is None:
            return DIMENSIONS[dimension].missing
        return self.labels.get(dimension, {}).get(value, value)


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one group of children. Rates are percentages; None where nobody stands behind one.

    `then`, `joined`, `left` count children on a plan only. `with_marks`: children with a possible session.
    """

    children: int
    then: int
    joined: int
    left: int
    with_marks: int
    possible: int
    absent: int
    unauthorised: int
    persistent: int
    severe: int
    suspensions: int
    suspended: int
    exclusions: int
    excluded: int
    moved: int

    def rate(self, part: str, whole: str = "children") -> float | None:
        """One figure as a percentage of another."""
        below = getattr(self, whole)
        return 100.0 * getattr(self, part) / below if below else None

    @property
    def absence(self) -> float | None:
        return self.rate("absent", "possible")

    @property
    def attendance(self) -> float | None:
        return None if self.absence is None else 100.0 - self.absence

    @property
    def churn(self) -> float | None:
        """Children who joined or left, for each hundred who were there at the start."""
        return 100.0 * (self.joined + self.left) / self.then if self.then else None


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure people read: its name, how it is worked out, and whether it is a percentage or a number."""

    key: str
    label: str
    says: str
    unit: str = "%"

    def of(self, figures: Figures) -> float | int | None:
        match self.key:
            case "attendance" | "absence" | "churn":
                return getattr(figures, self.key)  # type: ignore[no-any-return]
            case "unauthorised_rate":
                return figures.rate("unauthorised", "possible")
            case "persistent_rate" | "severe_rate":
                return figures.rate(self.key.removesuffix("_rate"), "with_marks")
            case "suspended_rate" | "suspensions_rate" | "excluded_rate" | "moved_rate":
                return figures.rate(self.key.removesuffix("_rate"))
            case _:
                return getattr(figures, self.key)  # type: ignore[no-any-return]


MEASURES: Final = (
    Measure("children", "Children", "Children in the group on the day", ""),
    Measure("joined", "Joined", "On a plan on the day, and on none at the start", ""),
    Measure("left", "Left", "On a plan at the start, and on none on the day", ""),
    Measure("churn", "Churn", "Joined and left together, for each 100 on a plan at the start"),
    Measure("with_marks", "Children with marks", "With a possible session in a register that was received", ""),
    Measure("possible", "Possible sessions", "Half days on which the children should have been in school", ""),
    Measure("attendance", "Attendance", "Sessions attended, of possible sessions"),
    Measure("absence", "Absence", "Sessions missed, of possible sessions"),
    Measure("unauthorised_rate", "Unauthorised absence", "Sessions missed without authority, of possible sessions"),
    Measure("persistent_rate", "Persistently absent",
            "Children who missed 10% or more of their own sessions, of children with marks"),
    Measure("severe_rate", "Severely absent",
            "Children who missed 50% or more of their own sessions, of children with marks"),
    Measure("suspensions", "Suspensions", "Suspensions that began in the period", ""),
    Measure("suspensions_rate", "Suspension rate", "Suspensions for each 100 children"),
    Measure("suspended_rate", "Suspended at least once", "Children suspended at least once, of all children"),
    Measure("exclusions", "Permanent exclusions", "Permanent exclusions that began in the period", ""),
    Measure("moved", "Moved school", "Began at another school than before, after 30 September", ""),
    Measure("moved_rate", "Moved school, rate", "Children who moved school, of all children"),
)  # fmt: skip
BY_KEY: Final = {m.key: m for m in MEASURES}


def panel(
    opened: Opened, scope: Scope, on: date, start: date | None = None, schools: Collection[str] | None = None
) -> Panel:
    """The cohort of a scope on a day, ready to be sliced; sums run from `start` (the academic year's, unless given).

    With `schools`, attendance and suspensions are those in the registers of these schools alone. Where the children of
    `scope.unplaced` live is left out.
    """
    year = academic_year(on)
    first = start or year_start(year)
    # Attendance of a year has no session before September; a cohort has children in August too.
    since = first if start else date(year, 9, 1)
    if since >= on:
        since = on - _EARLIEST
    database = opened.database
    within = opened.within(scope)
    now = cohort.status_on(database, on, within=within)
    before = cohort.status_on(database, since, within=within)
    helped = cohort.on_early_help(database, on, within=within)
    plans = pa.array(cohort.PLANS)
    was_on_plan = before.filter(pc.is_in(before["status"], plans))
    is_on_plan = now.filter(pc.is_in(now["status"], plans))
    now = now.append_column(
        "joined",
        pc.and_(pc.is_in(now["status"], plans), pc.invert(pc.is_in(now["child_id"], was_on_plan["child_id"]))),
    )
    was_on_plan = was_on_plan.append_column(
        "gone", pc.invert(pc.is_in(was_on_plan["child_id"], is_on_plan["child_id"]))
    )
    now = _with_help(now, helped)
    was_on_plan = _with_help(
        was_on_plan,
        database.query(
            "SELECT child_id FROM early_help_period WHERE start_date <= $day AND (end_date IS NULL OR end_date > $day)",
            {"day": since},
        ),
    )
    # A child on a plan, looked back to or being assessed who is on Early Help too is one row, under that status.
    alone = helped.filter(pc.is_null(helped["status"]))
    alone = alone.set_column(
        alone.schema.get_field_index("status"), "status", pa.array([EARLY_HELP] * alone.num_rows, pa.string())
    )
    # Early Help has no team of social care: the performance by team is by whoever leads the episode. What is written of
    # a few children only may be a family's own words, and is nobody's team.
    leads = pc.value_counts(alone["organisation"].combine_chunks())
    several = leads.filter(pc.greater_equal(leads.field("counts"), LOCAL.threshold)).field("values")
    led = pc.if_else(pc.is_in(alone["organisation"], value_set=several), alone["organisation"], OTHER_LEADS)
    team = pc.coalesce(alone["team_name"], pc.if_else(pc.is_valid(alone["organisation"]), led, None))
    alone = alone.set_column(alone.schema.get_field_index("team_name"), "team_name", team)
    everyone = pa.concat_tables(
        [now, _with_help(alone, alone).drop_columns(["helped_since", "practitioner", "organisation"])],
        promote_options="default",
    )
    rows, labels = _sliced(opened, scope, everyone, start=first, on=on, schools=schools)
    then, older = _sliced(opened, scope, was_on_plan, start=since, on=since, schools=schools)
    return Panel(on, first, since, rows, then, {d: {**older[d], **labels[d]} for d in labels}, lacking(opened))


def _with_help(rows: pa.Table, helped: pa.Table) -> pa.Table:
    """The rows with the dimension that says whether each child is on Early Help."""
    on_help = pc.is_in(rows["child_id"], value_set=helped["child_id"])
    return rows.append_column("early_help", pc.if_else(on_help, ON_HELP, NO_HELP))


def lacking(opened: Opened) -> dict[str, str]:
    """The dimensions of which nothing can be said, with what to send."""
    if not opened.database.one("SELECT count(*) FROM locality_area"):
        return {"locality": NO_MODEL}
    return {} if opened.database.one("SELECT count(locality_by) FROM home_period") else {"locality": NO_HOMES}


def _sliced(
    opened: Opened, scope: Scope, children: pa.Table, *, start: date, on: date, schools: Collection[str] | None
) -> tuple[pa.Table, dict[str, dict[str, str]]]:
    """The panel of these children with a column per dimension, in order of child; and the words of values."""
    database = opened.database
    database.add("panel_children", children)
    database.add("panel_unplaced", pa.table({"child_id": pa.array(sorted(scope.unplaced), pa.string())}))
    database.add(
        "panel_rows",
        measures.panel(database, "panel_children", start=start, on=on, settings=opened.settings, schools=schools),
    )
    sums = ", ".join(
        f"{c}::INTEGER AS {c}"
        for c in ("with_marks", "persistent", "severe", "suspended", "excluded", "moved", "suspensions", "exclusions")
    )
    # A child with a school that the register of schools says too little of is of school age all the same.
    age = "CASE WHEN urn IS NULL THEN CASE school_age " + " ".join(
        f"WHEN '{age}' THEN '{says}'" for age, says in OUT_OF_AGE.items()
    ) + " END END"  # fmt: skip
    flags = ", ".join(f"{c}::INTEGER AS {c}" for c in ("joined", "gone") if c in children.column_names)
    rows = database.query(
        f"""
        SELECT child_id, status AS plan, early_help, team_name AS team, coalesce(worker_ref, worker_name) AS worker,
            coalesce(urn, {age}) AS school, coalesce(trust, {age}) AS trust,
            CASE WHEN child_id IN (FROM panel_unplaced) THEN NULL
                WHEN locality_by = '{OUTSIDE}' THEN '{OUT_OF_LOCALITIES}' ELSE locality END AS locality,
            coalesce(school_town, {age}) AS school_town,
            coalesce(phase, school_phase, {age}) AS phase, coalesce(school_type, {age}) AS "type",
            coalesce(year_group, {age}) AS year, sex,
            CASE upper(ethnicity[1]) WHEN 'W' THEN 'White' WHEN 'M' THEN 'Mixed' WHEN 'A' THEN 'Asian'
                WHEN 'B' THEN 'Black' WHEN 'C' THEN 'Chinese' WHEN 'O' THEN 'Other' END AS ethnicity,
            CASE WHEN sen IN ('E', 'S') THEN 'EHC plan' WHEN sen IN ('K', 'A', 'P') THEN 'SEN support'
                WHEN sen = 'N' THEN 'No SEN recorded' END AS sen,
            CASE WHEN fsm THEN 'Eligible' WHEN NOT fsm THEN 'Not eligible'
                WHEN in_census THEN 'None recorded' END AS fsm,
            CASE fsm_ever_6 WHEN true THEN 'Yes' WHEN false THEN 'No' END AS fsm_ever_6,
            ([{", ".join(f"'{fifth}'" for fifth in DEPRIVATION)}])[(idaci_decile + 1) // 2] AS deprivation,
            CASE eal WHEN true THEN 'Yes' WHEN false THEN 'No' END AS eal,
            CASE WHEN days_open < 91 THEN '{DAYS[0]}' WHEN days_open < 183 THEN '{DAYS[1]}'
                WHEN days_open < 365 THEN '{DAYS[2]}' WHEN days_open < 730 THEN '{DAYS[3]}'
                WHEN days_open IS NOT NULL THEN '{DAYS[4]}' END AS days,
            {sums}, possible, authorised + unauthorised AS absent, unauthorised{", " + flags if flags else ""},
            school_name, worker_name
        FROM panel_rows ORDER BY child_id
        """.replace("ethnicity[1]", _known_ethnicity())
    )
    labels: dict[str, dict[str, str]] = {d: {} for d in DIMENSIONS}
    for dimension, named in (("school", "school_name"), ("worker", "worker_name")):
        for row in rows.select([dimension, named]).group_by([dimension, named]).aggregate([]).to_pylist():
            # Children with early help and no plan come without the name of a school that others come with.
            if row[dimension] is not None and (row[named] or row[dimension] not in labels[dimension]):
                labels[dimension][row[dimension]] = row[named] or row[dimension]
    labels["year"] = {c.code: c.meaning for c in code_list("year_group")}
    labels["sex"] = {c.code: c.meaning for c in code_list("sex")}
    return rows.drop_columns(["school_name", "worker_name"]), labels


def _known_ethnicity() -> str:
    """SQL: the first letter of a code of either list; nothing for what is no code, refused or not obtained."""
    codes = {c.code for name in ("ethnicity", "ethnicity_school") for c in code_list(name)} - {"REFU", "NOBT"}
    listed = ", ".join(f"'{code}'" for code in sorted(codes))
    return f"(CASE WHEN upper(ethnicity) IN ({listed}) THEN ethnicity[1] END)"


def chosen(rows: pa.Table, filters: Mapping[str, Sequence[str]]) -> pa.Table:
    """The rows that have one of the values asked for in each dimension; `NOT_HELD` stands for a missing value.

    Raises BadSetting for a dimension there is not.
    """
    unknown = sorted(set(filters) - set(DIMENSIONS))
    if unknown:
        raise BadSetting(f"The cohort cannot be sliced by {unknown[0]!r}. It can be by: {', '.join(DIMENSIONS)}.")
    for dimension, wanted in filters.items():
        if wanted:
            values = pa.array([None if v == NOT_HELD else v for v in wanted], pa.string())
            rows = rows.filter(pc.is_in(rows[dimension], value_set=values))
    return rows


def on_early_help(rows: pa.Table, *, planned: bool) -> pa.Table:
    """The rows of children on Early Help: those on a plan too or looked after (`planned`), or everybody else. Together
    they are all of them, and each is in one alone."""
    with_plan = pc.is_in(rows["plan"], value_set=pa.array(cohort.PLANNED))
    return rows.filter(pc.and_(pc.equal(rows["early_help"], ON_HELP), with_plan if planned else pc.invert(with_plan)))


def on_plan(rows: pa.Table) -> pa.Table:
    """The rows of children on a CP or CIN plan."""
    return rows.filter(pc.is_in(rows["plan"], value_set=pa.array(cohort.PLANS)))


_COUNTED = ("with_marks", "possible", "absent", "unauthorised", "persistent", "severe", "suspensions", "suspended",
            "exclusions", "excluded", "moved", "joined")  # fmt: skip


def figures_by(rows: pa.Table, then: pa.Table, by: str | None = None) -> dict[str | None, Figures]:
    """The figures of these rows, by the values of a dimension (None: all together, under the key None)."""
    keys = [by] if by else []
    summed = pa.TableGroupBy(rows, keys).aggregate([*((c, "sum") for c in _COUNTED), ([], "count_all")]).to_pylist()
    older = pa.TableGroupBy(then, keys).aggregate([("gone", "sum"), ([], "count_all")]).to_pylist()
    before = {row[by] if by else None: (row["count_all"], row["gone_sum"] or 0) for row in older}
    now = {row[by] if by else None: row for row in summed}
    found: dict[str | None, Figures] = {}
    values = {**dict.fromkeys(now), **dict.fromkeys(before)} if by else {None: None}
    for value in values:
        row: Mapping[str, Any] = now.get(value, {})
        size, left = before.get(value, (0, 0))
        sums = {c: int(row.get(f"{c}_sum") or 0) for c in _COUNTED}
        found[value] = Figures(children=int(row.get("count_all", 0)), then=size, left=left, **sums)
    return found


def in_order(panel: Panel, dimension: str, values: Iterable[str | None]) -> list[str | None]:
    """Values of a dimension in their own order, else by their words; what is not known comes last."""
    order = DIMENSIONS[dimension].order

    def place(value: str | None) -> tuple[int, int, str]:
        if value is None:
            return (2, 0, "")
        if value in order:
            return (0, order.index(value), "")
        return (1, int(value in (*OUT_OF_AGE.values(), OUT_OF_LOCALITIES)), panel.says(dimension, value).casefold())

    return sorted(values, key=place)


def year_before(on: date) -> date:
    """The same day a year before; 28 February for 29 February."""
    return on.replace(year=on.year - 1, day=28) if (on.month, on.day) == (2, 29) else on.replace(year=on.year - 1)
