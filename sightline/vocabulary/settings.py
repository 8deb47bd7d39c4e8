"""What an authority may choose, each with what it does and where its usual value comes from.

One flat file of `name = value` lines (TOML). A name that is not a setting, a value of another type and a value out of
range are refused: nothing is ignored.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Self, get_type_hints

from sightline.vocabulary.errors import BadSetting

STATUSES: Final = ("looked after", "CP plan", "CIN plan")
REGIONS: Final = (
    "North East", "North West", "Yorkshire and The Humber", "East Midlands", "West Midlands", "East of England",
    "London", "South East", "South West",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as people read it: name, value in force, usual value, what it does, unit and source."""

    name: str
    value: Any
    usual: Any
    says: str
    unit: str
    source: str


@dataclass(frozen=True, slots=True)
class _Meaning:
    says: str
    source: str
    unit: str
    right: str
    holds: Callable[[Any], bool]


def _setting(usual: Any, says: str, *, source: str, right: str, holds: Callable[[Any], bool], unit: str = "") -> Any:
    """A field of `Settings` that carries its meaning and the rule its value must keep."""
    return field(default=usual, metadata={"meaning": _Meaning(says, source, unit, right, holds)})


def _between(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: low <= value <= high


def _falling(values: tuple[float, ...]) -> bool:
    return bool(values) and all(0 < v <= 100 for v in values) and list(values) == sorted(set(values), reverse=True)


def rhythm(values: tuple[str, ...]) -> dict[str, int] | None:
    """By system, the days apart it is expected to send; None where a text is not "system=days" or names one twice."""
    held: dict[str, int] = {}
    for each in values:
        system, equals, days = each.partition("=")
        if not (equals and system.strip() and days.isascii() and days.isdigit() and 1 <= int(days[:5]) <= 1_000):
            return None
        if system.strip() in held:
            return None
        held[system.strip()] = int(days)
    return held


OWN: Final = "Sightline's own choice"
METHOD: Final = "DfE, pupil absence statistics methodology: exact, from 2015/16"


@dataclass(frozen=True, slots=True)
class Settings:
    """An authority's choices. Every field has a usual value; an out-of-range value raises BadSetting when built."""

    authority: str = _setting(
        "",
        "The authority these records belong to; a file of another is refused (with none set, received with a finding)",
        source="DfE three-digit authority number",
        right="three digits, or empty",
        holds=lambda v: v == "" or (len(v) == 3 and v.isascii() and v.isdigit()),
    )
    region: str = _setting(
        "",
        "The region the authority lies in, as the published statistics name it; with none set, no region is compared",
        source="DfE, Explore Education Statistics: the nine regions of England",
        right="a region's name such as North East, or empty",
        holds=lambda v: v == "" or v in REGIONS,
    )
    statistical_neighbours: tuple[str, ...] = _setting(
        (),
        "Authorities whose published figures are set beside the authority's own; with none set, none are",
        source="DfE, Local Authority Interactive Tool: ten statistical neighbours of each authority, revised yearly",
        right="three-digit authority numbers, none twice",
        holds=lambda v: len(set(v)) == len(v) and all(len(c) == 3 and c.isascii() and c.isdigit() for c in v),
    )
    look_back_years: int = _setting(
        6,
        "How long after the last plan ended a child still counts as Ever 6",
        unit="years",
        source="evaluation report: plan within the previous six years (the guidance of 2024 sets no limit)",
        right="1 to 25",
        holds=_between(1, 25),
    )
    ever_6_oldest_age: int = _setting(
        18,
        "Oldest age at which a child without a plan still counts as Ever 6",
        unit="years",
        source="DfE guidance, Promoting the education of children with a social worker (2024): children aged 0 to 18",
        right="5 to 25",
        holds=_between(5, 25),
    )
    closing_days: int = _setting(
        28,
        "Days after the last plan, assessment or worker ended in which a child is still shown to those who work with "
        "every status, so that what was open can be finished",
        unit="days",
        source=OWN + ": as long as an end may turn out to be a step from one plan to the other (step_days)",
        right="0 to 92",
        holds=_between(0, 92),
    )
    purge_days: int = _setting(
        365,
        "Days after a child's last clock ran out (plans, look-back and closing days) from which the records are due "
        "for removal",
        unit="days",
        source=OWN + ": an end recorded by mistake comes to light within a year, and a year's figures are done with",
        right="0 to 9,131",
        holds=_between(0, 9_131),
    )
    precedence: tuple[str, ...] = _setting(
        STATUSES,
        "Which status a child with several at once is counted under, first wins",
        source="DfE, outcomes of children in need methodology: looked after over protection over in need",
        right=f"each of {', '.join(STATUSES)}, once, in an order",
        holds=lambda v: sorted(v) == sorted(STATUSES),
    )
    step_days: int = _setting(
        28,
        "Days within which a plan that follows one of the other kind is a step up or down, not an end and a new plan",
        unit="days",
        source=OWN + ": a CIN plan is often closed, or opened, some weeks from the conference that decides it",
        right="0 to 92",
        holds=_between(0, 92),
    )
    persistent_percent: float = _setting(
        10,
        "Share of possible sessions missed from which absence is persistent (this share or more)",
        unit="percent",
        source=METHOD,
        right="above 0 and at most 100",
        holds=lambda v: 0 < v <= 100,
    )
    severe_percent: float = _setting(
        50,
        "Share of possible sessions missed from which absence is severe (this share or more)",
        unit="percent",
        source=METHOD + "; practice differs (below 50% attendance, or 50% and below)",
        right="above 0 and at most 100",
        holds=lambda v: 0 < v <= 100,
    )
    crossing_percents: tuple[float, ...] = _setting(
        (90, 50),
        "Attendance a child is listed for falling below, since the start of the academic year",
        unit="percent",
        source="evaluation report, Annex 2: below 90% persistent, below 50% severe",
        right="percentages from high to low, each above 0 and at most 100",
        holds=_falling,
    )
    drift_recent_weeks: int = _setting(
        4,
        "Weeks of a child's attendance that are compared with the weeks before them",
        unit="weeks",
        source=OWN,
        right="1 to 26",
        holds=_between(1, 26),
    )
    drift_before_weeks: int = _setting(
        12,
        "Weeks before those, against which a fall is measured",
        unit="weeks",
        source=OWN,
        right="1 to 52",
        holds=_between(1, 52),
    )
    drift_points: float = _setting(
        5.0,
        "Fall of attendance between the two stretches from which a child is listed",
        unit="percentage points",
        source=OWN,
        right="above 0 and at most 100",
        holds=lambda v: 0 < v <= 100,
    )
    closure_weeks: tuple[int, ...] = _setting(
        (4, 12),
        "Weeks with sessions before a plan ended or was stepped down whose attendance is shown beside it",
        unit="weeks",
        source=OWN + ": as many as drift_recent_weeks and drift_before_weeks; the evaluation report's Keldbeck makes "
        "attendance a key factor in decisions around case closure",
        right="one to four whole numbers from 1 to 30, each larger than the one before",
        holds=lambda v: 0 < len(v) <= 4 and list(v) == sorted(set(v)) and v[0] >= 1 and v[-1] <= 30,
    )
    exploitation_days: int = _setting(
        365,
        "Days to the day asked about in which an assessment that names exploitation is shown; one since the plan began "
        "is shown however old",
        unit="days",
        source=OWN + ": a year, as long as one CIN census, which tells the factors of the assessments ended in it",
        right="31 to 1,826",
        holds=_between(31, 1826),
    )
    least_sessions: int = _setting(
        20,
        "Fewest possible sessions from which a rate is worked out for the week's list (20 is two weeks)",
        unit="half days",
        source=OWN,
        right="1 to 380",
        holds=_between(1, 380),
    )
    late_record_days: int = _setting(
        7,
        "A start, end or change that reaches us more than this many days after its day is said to be recorded late",
        unit="days",
        source=OWN + ": the list is worked weekly (evaluation report, Annex 2: every Monday)",
        right="1 to 92",
        holds=_between(1, 92),
    )
    social_worker_roles: tuple[str, ...] = _setting(
        ("CW", "case worker", "social worker", "allocated social worker", "allocated worker", "key worker"),
        "Roles of an involvement that make a professional the child's social worker (capitals do not matter)",
        source="Standard Safeguarding Dataset: role CW (case worker) or the local equivalent",
        right="one role or more, none empty",
        holds=lambda v: bool(v) and all(role.strip() for role in v),
    )

    reviewing_officer_roles: tuple[str, ...] = _setting(
        (
            "IRO",
            "independent reviewing officer",
            "reviewing officer",
            "CPC",
            "conference chair",
            "child protection chair",
        ),
        "Roles of an involvement that make a professional the child's reviewing officer (capitals do not matter)",
        source=OWN + ": care systems name the role in their own words",
        right="one role or more, none empty",
        holds=lambda v: bool(v) and all(role.strip() for role in v),
    )
    officers_open: tuple[str, ...] = _setting(
        (),
        "The cohorts whose children a Virtual School officer may open one by one; of the others, figures alone",
        source="DfE guidance, Promoting the education of children with a social worker (2024): the duty is strategic; "
        "which cohorts, if any, is for the authority's impact assessment",
        right=f"empty, or all, or of {', '.join(STATUSES)}, each once",
        holds=lambda v: v == ("all",) or (set(v) <= set(STATUSES) and len(set(v)) == len(v)),
    )

    working_hours: tuple[int, ...] = _setting(
        (7, 20),
        "Hours of the day, from and to, outside which looking at a child's record is pointed out to who reviews access",
        unit="hours",
        source=OWN + ": early reviews and evening meetings are work; the night is not",
        right="two whole hours from 0 to 24, the first smaller",
        holds=lambda v: len(v) == 2 and 0 <= v[0] < v[1] <= 24,
    )
    children_an_hour: int = _setting(
        50,
        "Children whose own pages one person opens in an hour above which it is pointed out to who reviews access",
        unit="children",
        source=OWN + ": a full caseload is about twenty, and a child a minute is not read",
        right="1 to 10,000",
        holds=_between(1, 10_000),
    )
    refusals_a_day: int = _setting(
        5,
        "Refusals of one person in a day above which it is pointed out to who reviews access",
        unit="refusals",
        source=OWN + ": a wrong link happens; six are a search",
        right="1 to 10,000",
        holds=_between(1, 10_000),
    )
    access_sample_views: int = _setting(
        20,
        "Views of children's records drawn by chance each month for whoever reviews access to look into",
        unit="views",
        source=OWN + ": an hour's work; what stands out is found by the other limits, and the rest by chance alone",
        right="1 to 500",
        holds=_between(1, 500),
    )
    log_retention_years: int = _setting(
        7,
        "How long entries of the logs of access, change and security are kept",
        unit="years",
        source=OWN + ": beyond the six years in which most claims can be brought (Limitation Act 1980)",
        right="1 to 100",
        holds=_between(1, 100),
    )
    access_review_days: int = _setting(
        92,
        "Days after which a person's access must be confirmed again, or ended",
        unit="days",
        source=OWN + ": a quarter",
        right="7 to 366",
        holds=_between(7, 366),
    )
    break_glass_minutes: int = _setting(
        60,
        "How long a record opened in an emergency outside one's own children stays open",
        unit="minutes",
        source=OWN + ": long enough for one telephone call and its note",
        right="5 to 240",
        holds=_between(5, 240),
    )

    probabilistic_linkage: bool = _setting(
        True,
        "Whether children whom no number joins to a pupil are compared by name, birth date, sex and postcode",
        source=OWN + ": on the invented authority it finds more children at no false link (benchmarks.linkage)",
        right="true or false",
        holds=lambda v: True,
    )
    linkage_accept: float = _setting(
        0.95,
        "Least probability at which a child and a pupil are taken to be one without a person looking",
        source="DFE-Digital, SUI matching service: a match from a score of 0.95",
        right="0.5 to 1, and at least linkage_review",
        holds=_between(0.5, 1),
        unit="probability",
    )
    linkage_review: float = _setting(
        0.5,
        "Least probability at which a pair is listed for a person to decide",
        source=OWN + ": more likely one child than two",
        right="above 0 and at most 1",
        holds=lambda v: 0 < v <= 1,
        unit="probability",
    )
    second_reader_percent: float = _setting(
        10,
        "Share of doubtful pairs that a second person reads without seeing the first answer",
        source=OWN + ": enough to show how far readers agree, and little enough to be done",
        right="0 to 100",
        holds=_between(0, 100),
        unit="percent",
    )
    match_rate_bar_percent: float = _setting(
        95,
        "Match rate a school or a team must reach before it sees any child; 0 opens all",
        source=OWN + "; the evaluation report: one authority matched 77% of its cohort to attendance (Redbury)",
        right="0 to 100",
        holds=_between(0, 100),
        unit="percent",
    )

    accuracy_bar_percent: float = _setting(
        95,
        "Share of the cohort on whom a source should agree with the others; the bar its accuracy is drawn against",
        unit="percent",
        source=OWN + "; the evaluation report's best authority could not pass 85 (Keldbeck, Improved data quality)",
        right="above 0 and at most 100",
        holds=lambda v: 0 < v <= 100,
    )

    sender_days: tuple[str, ...] = _setting(
        (
            "ssd=7",
            "csc-api=7",
            "annex-a=31",
            "cin-census=366",
            "ssda903=366",
            "early-help=31",
            "youth-justice=31",
            "school-census=125",
            "marks=7",
            "wonde=7",
            "suspensions=7",
            "gias=92",
        ),
        "How many days apart each system is expected to send; one that is not named has no rhythm and is never late",
        unit="days",
        source=OWN + ", from what is worked weekly (evaluation report, Annex 2); the census days of DfE's collections "
        "(three school censuses and one CIN census a year)",
        right="system=days, each system once, 1 to 1,000 days",
        holds=lambda v: rhythm(v) is not None,
    )
    silent_weeks: int = _setting(
        4,
        "School weeks without marks, while other schools send, from which a school is silent and no longer only late",
        unit="school weeks",
        source=OWN + ": attendance against the four weeks before is worked out from them (drift_recent_weeks)",
        right="2 to 39",
        holds=_between(2, 39),
    )
    large_change_percent: float = _setting(
        10,
        "Share of the children on a plan who would join or leave by one load from which the preview warns",
        unit="percent",
        source=OWN + ": a month's churn of a usual authority is below it",
        right="above 0 and at most 100",
        holds=lambda v: 0 < v <= 100,
    )
    spot_check_children: int = _setting(
        20,
        "Children drawn from the cohort each week to be checked by hand",
        unit="children",
        source=OWN + ": an hour's work; the evaluation report's Keldbeck spot-checks weekly and names no number",
        right="5 to 500",
        holds=_between(5, 500),
    )
    part_time_weeks: int = _setting(
        6,
        "Weeks above which a part-time timetable is said to be long",
        unit="weeks",
        source=OWN + ": half a term. DfE, Working together to improve school attendance (2024): for the shortest time "
        "necessary, with an end by which the pupil is back full time, and reviews; it names no number",
        right="1 to 39",
        holds=_between(1, 39),
    )
    full_week_hours: float = _setting(
        32.5,
        "Hours of a full school week, by which the hours of a part-time timetable are made into sessions of ten",
        unit="hours",
        source="DfE, Length of the school week: minimum expectation (non-statutory guidance, 2023)",
        right="10 to 60",
        holds=_between(10, 60),
    )
    ask_again_days: int = _setting(
        90,
        "Days after a school was asked for something within which asking it again for the same is pointed out",
        unit="days",
        source=OWN + ": a term; schools caution against asking for data held elsewhere (evaluation report)",
        right="1 to 1,000",
        holds=_between(1, 1_000),
    )

    def __post_init__(self) -> None:
        kinds = get_type_hints(type(self))
        for each in fields(self):
            value = getattr(self, each.name)
            meaning = _meaning(each)
            kept = _of_kind(value, kinds[each.name])
            if kept is None or not meaning.holds(kept):
                raise BadSetting(f"Setting {each.name} is not right: it should be {meaning.right}.")
            object.__setattr__(self, each.name, kept)
        if self.severe_percent < self.persistent_percent:
            raise BadSetting("Setting severe_percent is not right: it should be at least persistent_percent.")
        if self.linkage_accept < self.linkage_review:
            raise BadSetting("Setting linkage_accept is not right: it should be at least linkage_review.")

    @classmethod
    def from_toml(cls, path: Path) -> Self:
        """The settings of a file; what it does not name keeps its usual value.

        Raises BadSetting when the file is absent or is not TOML, or a name or value in it is wrong.
        """
        try:
            given = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise BadSetting(f"The settings file {path.name} cannot be opened: {error.strerror}.") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BadSetting(f"The settings file {path.name} is not TOML text: {error}.") from error
        known = [each.name for each in fields(cls)]
        unknown = [name for name in given if name not in known]
        if unknown:
            raise BadSetting(f"There is no setting {unknown[0]!r} (in {path.name}). There are: {', '.join(known)}.")
        return cls(**given)

    def explain(self) -> tuple[Setting, ...]:
        """One row per setting: name, value, usual value, what it does, unit and source."""
        return tuple(
            Setting(
                name=each.name,
                value=getattr(self, each.name),
                usual=each.default,
                says=_meaning(each).says,
                unit=_meaning(each).unit,
                source=_meaning(each).source,
            )
            for each in fields(self)
        )

    def toml(self) -> str:
        """A settings file with these values, each under a comment; `from_toml` reads it back to equal settings."""
        parts = ["# Settings of Sightline. A line left out keeps its usual value."]
        for setting in self.explain():
            unit = f" ({setting.unit})" if setting.unit else ""
            parts.append(
                f"# {setting.says}{unit}.\n"
                f"# Usual: {_written(setting.usual)}. Source: {setting.source}.\n"
                f"{setting.name} = {_written(setting.value)}"
            )
        return "\n\n".join(parts) + "\n"


def _meaning(each: Field[Any]) -> _Meaning:
    meaning: _Meaning = each.metadata["meaning"]
    return meaning


def _of_kind(value: Any, kind: Any) -> Any:
    """The value as the field's type holds it, or None when it is of another type. True and false are not numbers."""
    if kind is str:
        return value if isinstance(value, str) else None
    if kind is bool:
        return value if isinstance(value, bool) else None
    if kind is int:
        return value if isinstance(value, int) and not isinstance(value, bool) else None
    if kind is float:
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    if not isinstance(value, (list, tuple)):
        return None
    inner = kind.__args__[0]
    kept = tuple(_of_kind(each, inner) for each in value)
    return None if None in kept else kept


def _written(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "[" + ", ".join(_written(each) for each in value) + "]"
    if isinstance(value, str):
        escaped = "".join(c if c.isprintable() else f"\\U{ord(c):08X}" for c in value.replace("\\", "\\\\"))
        return '"' + escaped.replace('"', '\\"') + '"'
    return str(value)
