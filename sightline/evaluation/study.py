"""A study as data: windows, groups, exposure, outcomes, samples, models and outputs, with the report's as defaults."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.periods import year_label

PLANS: Final = ("CIN plan", "CP plan")
NO_PLAN: Final = "Not on a plan"
STAGES: Final = ("ks1", "ks2", "ks4")
REPORT_PLANS_TO: Final = date(2023, 3, 31)


def _says(default: Any, text: str, allowed: tuple[Any, ...] = ()) -> Any:
    kind: dict[str, Any] = {"default_factory": lambda: default} if isinstance(default, list | dict) else {}
    return field(metadata={"says": text, "allowed": allowed}, **(kind or {"default": default}))


# ruff: noqa: RUF009  `_says` makes a dataclass field.


@dataclass(frozen=True, slots=True)
class Data:
    """Where the files are, from the study's folder."""

    npd: str = _says(
        "npd", "Folder of NPD extracts: census, absence, exclusions, ks1, ks2, ks4 (Parquet, CSV, Stata, SPSS or SAS)"
    )
    plans: tuple[str, ...] = _says(
        ("cin/*",), "Files of plans, one for each CIN census: Parquet or CSV of plans, or CIN census returns (XML)"
    )
    links: str = _says(
        "", "File of UPN (or LAchildID and LA) and PupilMatchingRefAnonymous, where census returns carry no reference"
    )
    home: str = _says(
        "",
        "A Sightline home to take the study's data from, instead of extracts: a local authority's own snapshots",
    )
    engine: str = _says(
        "duckdb",
        "What links the data: duckdb in this process, or spark (needs the extra 'spark'); the answer is the same",
        ("duckdb", "spark"),
    )


@dataclass(frozen=True, slots=True)
class Windows:
    """Which years are before and after, and from which day the plans of a year count."""

    before: tuple[int, ...] = _says((2017, 2018), "Academic years before")
    after: tuple[int, ...] = _says((2021, 2022), "Academic years after")
    year_starts: str = _says("09-01", "Month and day on which an academic year starts, for plans")
    plans_to: date | None = _says(
        REPORT_PLANS_TO, "Last day the plans' data reach; months of plans after it are not seen"
    )

    @property
    def years(self) -> tuple[int, ...]:
        return (*self.before, *self.after)

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(year_label(y) for y in self.years)

    def start(self, year: int) -> date:
        month, day = (int(part) for part in self.year_starts.split("-"))
        return date(year, month, day)

    def period_label(self, *, after: bool) -> str:
        """A period as the report's tables head it: 2017-2019."""
        years = self.after if after else self.before
        return f"{min(years)}-{max(years) + 1}"


@dataclass(frozen=True, slots=True)
class Exposure:
    """How time on a plan is measured."""

    part_months: str = _says(
        "share",
        "share: a part month counts as the share of its days; days: days over 30.4375; touched: any day counts the "
        "month; whole: only complete months count",
        ("share", "days", "touched", "whole"),
    )
    end_day_counts: bool = _says(True, "The last day of a plan, as received, is a day on the plan")


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What is asked about. An outcome left out leaves its column, and its tables where it has tables of its own."""

    engagement: tuple[str, ...] = _says(
        ("absence", "suspension"), "Outcomes of pupils' years", ("absence", "suspension")
    )
    ks1: tuple[str, ...] = _says(
        ("reading", "writing", "maths", "science"),
        "Reaching the expected standard at key stage 1",
        ("reading", "writing", "maths", "science"),
    )
    ks2: tuple[str, ...] = _says(
        ("reading", "gps", "maths"), "Reaching the expected standard at key stage 2", ("reading", "gps", "maths")
    )
    ks4: tuple[str, ...] = _says(
        ("attainment_8", "passes", "progress_8"),
        "Scores at key stage 4",
        ("attainment_8", "passes", "progress_8"),
    )
    persistent: float = _says(10.0, "Persistent absence is missing more than this per cent of possible sessions (DfE)")
    severe: float = _says(50.0, "Severe absence is missing more than this per cent of possible sessions (DfE)")


@dataclass(frozen=True, slots=True)
class Groups:
    """Who is compared."""

    years_on_plan: tuple[int, ...] = _says((2, 3, 4), "Samples by least number of the years with a plan, nested")
    both_periods: bool = _says(True, "Samples need a plan in at least one year before and one after")
    least: int = _says(1000, "A group of fewer pupils is not analysed")
    both_plans: str = _says("CP plan", "The group of a pupil on both kinds of plan in one year", PLANS)


@dataclass(frozen=True, slots=True)
class Sample:
    """Whom the samples leave out."""

    send: tuple[str, ...] = _says(
        ("without",), "Runs: children without SEND, with SEND, or all", ("without", "with", "all")
    )
    send_rule: str = _says("ever", "ever: SEND in any of the years; year: in the year of the outcome", ("ever", "year"))


@dataclass(frozen=True, slots=True)
class Models:
    """Estimators and standard errors."""

    covariates: tuple[str, ...] = _says(
        ("age", "fsm", "idaci", "female"),
        "What the models control for, besides ethnicity and region below: age in those of engagement, female in those "
        "without pupil effects, fsm and idaci in all. One left out takes its products with it",
        ("age", "fsm", "idaci", "female"),
    )
    engagement_errors: str = _says(
        "clustered",
        "conventional, robust, clustered (by pupil), or two-way (pupil and authority)",
        ("conventional", "robust", "clustered", "two-way"),
    )
    singletons: str = _says("keep", "keep pupils with one year, as xtreg does, or drop them", ("keep", "drop"))
    collapsed_errors: str = _says(
        "conventional",
        "For one row per pupil and period (table 73): conventional, robust, or clustered by authority",
        ("conventional", "robust", "authority"),
    )
    attainment_errors: str = _says(
        "model", "model, robust, school or authority (clustered)", ("model", "robust", "school", "authority")
    )
    score_errors: str = _says(
        "conventional", "conventional, robust, school or authority", ("conventional", "robust", "school", "authority")
    )
    idaci_places: int = _says(3, "Decimal places of IDACI in the attainment models; fewer make fewer cells")
    cell_places: int = _says(
        2, "The same where cells also have the authority in their key: more would make nearly every pupil a cell"
    )
    ethnicity: bool = _says(True, "Control for ethnic group in the attainment models (estimates are not shown)")
    region: bool = _says(
        False, "Control for region in the attainment and cross-sectional models (estimates are not shown)"
    )
    separation: str = _says(
        "refuse",
        "When a column predicts an outcome for certain. refuse: no estimate, with the column named; drop: the column "
        "and the rows it decides are left out and counted; firth: Firth's penalised likelihood (model errors only)",
        ("refuse", "drop", "firth"),
    )
    multilevel: str = _says("authority", "Level two of the multilevel models", ("authority", "school"))
    discrete: bool = _says(
        False, "dy/dx of nought-or-one columns as a change from nought to one (Stata's i.) instead of a slope"
    )
    level: float = _says(0.95, "Level of intervals")


@dataclass(frozen=True, slots=True)
class Beyond:
    """What is done beyond the report: resampling, bounds, margins."""

    draws: int = _says(999, "Draws of each bootstrap")
    permutations: int = _says(199, "Shuffles of each randomisation test")
    placebo: tuple[int, ...] = _says(
        (), "Years before that are pretended to be after, for the placebo date; the last year before when empty"
    )
    allowances: tuple[float, ...] = _says(
        (0.5, 1.0, 2.0), "How many times as far as before trends may part after, for the bounds"
    )
    chance: float = _says(0.8, "Chance with which the minimum detectable effect would be found")
    margin_sessions: float = _says(
        0.1, "Sessions a year for each month on a plan under which a difference does not matter (equivalence tests)"
    )
    margin_share: float = _says(0.01, "The same for shares reaching a standard: 0.01 is one percentage point")
    margin_score: float = _says(0.05, "The same for scores, in standard deviations of the score")
    authority_least: int = _says(
        30, "An authority with fewer pupils on the plan has no estimate of its own (the multilevel models keep it)"
    )


@dataclass(frozen=True, slots=True)
class Series:
    """The interrupted time series on weekly attendance (npd/weekly.csv: week, group, possible, missed)."""

    start: date | None = _says(None, "First day after the change; 1 September of the first year after when empty")
    season: bool = _says(
        True, "Allow for the time of year: first and second harmonic of a year, given 60 weeks or more"
    )
    after_weeks: tuple[int, ...] = _says((0, 12, 38), "Weeks after the start at which the difference is shown")


@dataclass(frozen=True, slots=True)
class Outputs:
    """What is written."""

    tables: tuple[str, ...] = _says((), "Tables to make; all of the sets below when empty")
    sets: tuple[str, ...] = _says(
        ("report", "robustness", "beyond"),
        "report: the report's tables; robustness: the checks it only mentions; beyond: what it does not do",
        ("report", "robustness", "beyond"),
    )
    formats: tuple[str, ...] = _says(
        ("csv", "json", "html", "xlsx", "ods", "tex"),
        "Forms of each table (xlsx and ods: one workbook of all)",
        ("csv", "json", "html", "xlsx", "ods", "tex"),
    )


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What may be released. Rules are those of disclosure control by name; which there are is for it to say."""

    leave_out: tuple[str, ...] = _says((), "Tables, or columns as 'table-56: all 4 years', that are not to be released")
    rules: tuple[tuple[str, Any], ...] = _says((), "Rules that differ from the usual ones, by name")


@dataclass(frozen=True, slots=True)
class Study:
    """One study. Every part has the report's choice as its default."""

    name: str = "The report's study"
    seed: int = 1
    data: Data = field(default_factory=Data)
    windows: Windows = field(default_factory=Windows)
    exposure: Exposure = field(default_factory=Exposure)
    outcomes: Outcomes = field(default_factory=Outcomes)
    groups: Groups = field(default_factory=Groups)
    sample: Sample = field(default_factory=Sample)
    models: Models = field(default_factory=Models)
    beyond: Beyond = field(default_factory=Beyond)
    series: Series = field(default_factory=Series)
    outputs: Outputs = field(default_factory=Outputs)
    disclosure: Disclosure = field(default_factory=Disclosure)

    def __post_init__(self) -> None:
        w = self.windows
        if not w.before or not w.after or max(w.before) >= min(w.after):
            raise BadSetting("The years before must all come before the years after, with at least one of each.")
        if list(w.years) != sorted(set(w.years)):
            raise BadSetting("The years of the windows must be in order, each once.")
        if not re.fullmatch(r"(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])", w.year_starts):
            raise BadSetting("windows.year_starts is a month and a day up to the 28th, such as 09-01.")
        if any(not 1 <= y <= len(w.years) for y in self.groups.years_on_plan):
            told = ", ".join(map(str, self.groups.years_on_plan))
            raise BadSetting(
                f"groups.years_on_plan ({told}) must lie between 1 and the {len(w.years)} years of the windows. Give "
                f"it under [groups]: years_on_plan = [{min(2, len(w.years))}]."
            )
        if not 1 <= self.models.idaci_places <= 6 or not 1 <= self.models.cell_places <= 6:
            raise BadSetting("models.idaci_places and models.cell_places are from 1 to 6.")
        if not 0.5 < self.models.level < 1:
            raise BadSetting("models.level is between 0.5 and 1.")
        if not 0 < self.outcomes.persistent < self.outcomes.severe < 100:
            raise BadSetting(
                "outcomes.persistent and outcomes.severe are per cent above 0 and below 100, severe the more."
            )
        if self.groups.least < 0:
            raise BadSetting("groups.least cannot be negative.")
        x = self.beyond
        if not 1 <= x.draws <= 100_000 or not 1 <= x.permutations <= 100_000:
            raise BadSetting("beyond.draws and beyond.permutations are from 1 to 100,000.")
        if not set(x.placebo) < set(w.before):
            raise BadSetting("beyond.placebo must be some, not all, of the years before.")
        if min(x.margin_sessions, x.margin_share, x.margin_score) <= 0 or any(a < 0 for a in x.allowances):
            raise BadSetting("The margins of [beyond] are above nought, and its allowances not below it.")
        if not 0.5 <= x.chance < 1:
            raise BadSetting("beyond.chance is from 0.5 to below 1.")

    @property
    def placebo(self) -> tuple[int, ...]:
        """The years before that a placebo date takes for after; none when there is one year before."""
        return self.beyond.placebo or (self.windows.before[-1:] if len(self.windows.before) > 1 else ())

    @property
    def series_start(self) -> date:
        """The day the interrupted time series breaks."""
        return self.series.start or self.windows.start(self.windows.after[0])

    @property
    def post(self) -> Mapping[int, int]:
        return {y: int(y in self.windows.after) for y in self.windows.years}

    def sample_label(self, years: int) -> str:
        """A nested sample as the report heads it."""
        total = len(self.windows.years)
        return f"all {total} years" if years == total else f"at least {years} of the {total} years"

    @classmethod
    def from_toml(cls, text: str) -> Study:
        """The study a file says; what it leaves out keeps its default. An authority's own study has no key stages.

        Raises BadSetting on an unknown name or value, and where a study of a home asks for a key stage.
        """
        try:
            told = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise BadSetting(f"The study file is not TOML: {error}.") from None
        study = cls(**{name: _part(cls, name, value) for name, value in told.items()})
        if not study.data.home:
            return study
        if asked := [stage for stage in STAGES if told.get("outcomes", {}).get(stage)]:
            raise BadSetting(
                f"outcomes.{asked[0]} asks for a key stage, which an authority's own study (data.home) has none of: "
                "too few of its pupils on plans take one in four years. Leave it out."
            )
        return replace(study, outcomes=replace(study.outcomes, ks1=(), ks2=(), ks4=()))

    @classmethod
    def read(cls, path: Path) -> Study:
        """The study in a file. Raises BadSetting when there is none or it says something unknown."""
        if not path.is_file():
            raise BadSetting(f"There is no study file at {path}.")
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise BadSetting(f"{path.name} is no text in UTF-8, which a study file (TOML) must be.") from None
        return cls.from_toml(text)

    def settings(self) -> list[dict[str, Any]]:
        """One row per setting: name, value, what it means."""
        rows: list[dict[str, Any]] = [
            {"name": "name", "value": self.name, "says": "Name of the study"},
            {"name": "seed", "value": self.seed, "says": "Seed of whatever is drawn at random"},
        ]
        for part in PARTS:
            held = getattr(self, part)
            rows += [
                {"name": f"{part}.{f.name}", "value": shown(getattr(held, f.name)), "says": f.metadata["says"]}
                for f in fields(held)
            ]
        return rows


PARTS: Final[Mapping[str, type]] = {
    "data": Data,
    "windows": Windows,
    "exposure": Exposure,
    "outcomes": Outcomes,
    "groups": Groups,
    "sample": Sample,
    "models": Models,
    "beyond": Beyond,
    "series": Series,
    "outputs": Outputs,
    "disclosure": Disclosure,
}
_YEAR = re.compile(r"(\d{4})/\d{2}(\d{2})?")


def shown(value: Any) -> Any:
    """A setting's value as JSON can hold it."""
    if isinstance(value, tuple):
        return [shown(v) for v in value]
    return value.isoformat() if isinstance(value, date) else value


def _part(study: type, name: str, value: Any) -> Any:
    if name in ("name", "seed"):
        kind = str if name == "name" else int
        if not isinstance(value, kind) or isinstance(value, bool):
            raise BadSetting(f"'{name}' must be {'text' if kind is str else 'a whole number'}.")
        return value
    if name not in PARTS:
        raise BadSetting(f"'{name}' is no part of a study. The parts are: name, seed, {', '.join(PARTS)}.")
    if not isinstance(value, dict):
        raise BadSetting(f"[{name}] must be a table of settings.")
    part = PARTS[name]
    if part is Disclosure:
        left = _value("disclosure.leave_out", value.get("leave_out", []), ("",), ())
        return Disclosure(left, tuple(sorted((k, v) for k, v in value.items() if k != "leave_out")))
    known = {f.name: f for f in fields(part)}
    told = {}
    for key, given in value.items():
        if key not in known:
            raise BadSetting(f"'{key}' is no setting of [{name}]. It has: {', '.join(known)}.")
        told[key] = _value(f"{name}.{key}", given, known[key].default, known[key].metadata["allowed"])
    return part(**told)


def _value(name: str, given: Any, default: Any, allowed: tuple[Any, ...]) -> Any:
    if name in ("windows.before", "windows.after", "beyond.placebo"):
        return tuple(_year(name, v) for v in (given if isinstance(given, list) else [given]))
    if name in ("windows.plans_to", "series.start"):
        if given == "":
            return None
        if type(given) is not date:
            raise BadSetting(f"{name} must be a date, such as 2023-03-31, or empty.")
        return given
    if isinstance(default, tuple):
        of = type(default[0]) if default else str
        values = tuple(given) if isinstance(given, list) else (given,)
        if of is float:
            values = tuple(float(v) if type(v) is int else v for v in values)
        if not all(isinstance(v, of) and not isinstance(v, bool) for v in values):
            word = {int: "whole numbers", float: "numbers"}.get(of, "words")
            raise BadSetting(f"{name} must be a list of {word}.")
    else:
        values = (given,)
        of = type(default)
        right = isinstance(given, of) and (of is bool or not isinstance(given, bool))
        if of is float and isinstance(given, int) and not isinstance(given, bool):
            right, given = True, float(given)
        if not right:
            word = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}[of]
            raise BadSetting(f"{name} must be {word}.")
    wrong = [v for v in values if allowed and v not in allowed]
    if wrong:
        raise BadSetting(f"{name} cannot be '{wrong[0]}'. It can be: {', '.join(map(str, allowed))}.")
    return tuple(values) if isinstance(default, tuple) else given


def _year(name: str, given: Any) -> int:
    found = _YEAR.fullmatch(given) if isinstance(given, str) else None
    if not found or year_label(int(found[1])) not in (given, f"{found[1]}/{given[-2:]}"):
        raise BadSetting(f"{name} is a list of academic years, such as 2017/18.")
    return int(found[1])
