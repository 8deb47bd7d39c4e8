"""Every table a study can make: its name, what it answers, and the function that makes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from sightline.evaluation import (
    attainment,
    choices,
    collapsed,
    cross_section,
    descriptive,
    engagement,
    groups,
    inference,
    multilevel,
    trends,
    weekly,
)
from sightline.evaluation.claims import DOMAINS, titled
from sightline.evaluation.figures import DRAWINGS, Drawing
from sightline.evaluation.linked import counts
from sightline.evaluation.result import Builder, Table
from sightline.evaluation.samples import Frame
from sightline.evaluation.study import Study
from sightline.vocabulary.errors import BadSetting


@dataclass(frozen=True, slots=True)
class Spec:
    """One table: its name, the report's number (0 when the report has none), the chapter of report.html, and how."""

    id: str
    printed: int
    chapter: str
    says: str
    make: Callable[[Frame, str], Table]
    once: bool = False
    """Made once, not for every run by SEND."""
    kind: str = "report"
    """Which of the study's outputs.sets it belongs to: report, robustness or beyond."""


def flow(frame: Frame, table_id: str) -> Table:
    """Every step of the linking, counted."""
    b = Builder()
    for step in counts(frame.database):
        b.put(f"{step.part}: {step.step}", "Number", count=step.n)
    return b.table(
        table_id,
        "From the files received to the linked data set",
        sample="Everything received",
        estimator="Counts",
        notes=("What each sample leaves out beyond this stands under its own table.",),
        source="Annex 4, Data",
    )


def _spec(number: int, chapter: str, says: str, make: Callable[[Frame, str], Table]) -> Spec:
    return Spec(f"table-{number}", number, chapter, says, make)


SAMPLE, ABSENCE, SUSPENSION = "The data and the samples", "Absence", "Suspensions"
KS: Final = {"ks1": "Key Stage 1", "ks2": "Key Stage 2", "ks4": "Key Stage 4"}
ROBUST, BEYOND = "Robustness", "Beyond the report"


def _engagement(number: int, measure: str, plan: str) -> Spec:
    word = "absence" if measure == "missed" else "suspension"
    return _spec(
        number,
        ABSENCE if measure == "missed" else SUSPENSION,
        f"Sessions missed due to {word} on months subject to a {plan}, pupil fixed effects",
        lambda frame, name: engagement.fixed_effects(frame, name, measure, plan, number),
    )


def _did(number: int, stage: str, plan: str) -> list[Spec]:
    if stage == "ks4":
        return [
            _spec(
                number,
                KS[stage],
                f"Key stage 4 scores, difference in differences by least squares, {plan}",
                lambda frame, name: attainment.did_scores(frame, name, stage, plan, number),
            )
        ]
    return [
        _spec(
            number,
            KS[stage],
            f"Reaching the standard at {KS[stage]}, difference-in-differences logit, dy/dx, {plan}",
            lambda frame, name: attainment.did_logit(frame, name, stage, plan, number),
        ),
        Spec(
            f"table-{number}-effects",
            0,
            KS[stage],
            f"What that logit says of the extension for children on a {plan}: effect on the treated and others",
            lambda frame, name: attainment.did_effects(frame, name, stage, plan),
        ),
    ]


def _stage(stage: str, summary: int, results: int) -> list[Spec]:
    return [
        _spec(
            summary,
            KS[stage],
            f"Who took {KS[stage]}, by group",
            lambda frame, name: descriptive.key_stage_summary(frame, name, stage, summary),
        ),
        _spec(
            results,
            KS[stage],
            f"Attainment at {KS[stage]}, by group and period",
            lambda frame, name: descriptive.key_stage_results(frame, name, stage, results),
        ),
    ]


def _poisson(measure: str, plan: str, short: str) -> Spec:
    word = "absence" if measure == "missed" else "suspension"
    return Spec(
        f"poisson-{word}-{short}",
        0,
        ROBUST,
        f"Poisson with pupil effects: sessions missed due to {word}, {plan}",
        lambda frame, name: engagement.poisson(frame, name, measure, plan),
        kind="robustness",
    )


PLAN_NAMES: Final = (("CIN plan", "cin"), ("CP plan", "cp"))
Make = Callable[[Frame, str], Table]


def _checks(plan: str, short: str) -> list[Spec]:
    """The checks the report mentions and does not print, for one kind of plan."""
    made: list[tuple[str, str, Make]] = [
        (
            "collapsed-absence",
            "Absence with each pupil's years of a period together, linear and logit",
            lambda frame, name: collapsed.collapsed(frame, name, "missed", plan),
        ),
        (
            "collapsed-suspension",
            "Suspension with each pupil's years of a period together, linear and logit",
            lambda frame, name: collapsed.collapsed(frame, name, "suspended", plan),
        ),
        (
            "did-engagement",
            "Engagement on a plan against on none, cross-sectional difference in differences",
            lambda frame, name: cross_section.engagement_did(frame, name, plan),
        ),
        (
            "multilevel-ks2",
            "Key Stage 2 by authority: does the difference vary from place to place?",
            lambda frame, name: multilevel.by_authority(frame, name, "ks2", plan),
        ),
        (
            "multilevel-ks4",
            "Key Stage 4 by authority: does the difference vary from place to place?",
            lambda frame, name: multilevel.by_authority(frame, name, "ks4", plan),
        ),
    ]
    return [Spec(f"{word}-{short}", 0, ROBUST, f"{says}, {plan}", make, kind="robustness") for word, says, make in made]


ASKED: Final[tuple[tuple[str, str, Callable[[Frame, str, str, str], Table]], ...]] = (
    ("event", "year by year, with a test of the years before and bounds where trends may part", trends.event),
    ("placebo", "pretended dates, groups and outcomes, where no effect can be", trends.placebo),
    ("resampling", "cluster and wild bootstrap, and randomisation", inference.resampling),
    ("detectable", "what the data could show: power, and no effect told from cannot tell", inference.detectable),
    ("unseen", "how strong an unseen cause would have to be", inference.unseen),
    ("groups", "by phase, sex and FSM", groups.groups),
    ("authorities", "in each authority, and whether they differ by more than chance", groups.authorities),
)
"""What is asked of each domain's claims beyond the report: first word of the table's name, words, function."""


def _asked(domain: str, plan: str, short: str) -> list[Spec]:
    made = [
        Spec(
            f"{word}-{domain}-{short}",
            0,
            BEYOND,
            f"{titled(domain)}, {plan}: {says}",
            lambda frame, name, make=make: make(frame, name, domain, plan),  # type: ignore[misc]
            kind="beyond",
        )
        for word, says, make in ASKED
    ]
    curve = Spec(
        f"choices-{domain}-{short}",
        0,
        BEYOND,
        f"{titled(domain)}, {plan}: every defensible choice",
        lambda frame, name: choices.curve(frame, name, domain, plan),
        once=True,
        kind="beyond",
    )
    return [*made, curve]


def _beyond() -> list[Spec]:
    churn = [
        Spec(
            f"churn-{short}",
            0,
            BEYOND,
            f"Who is counted: changes from year to year in absence and suspension, {plan}",
            lambda frame, name, plan=plan: groups.churn(frame, name, plan),  # type: ignore[misc]
            kind="beyond",
        )
        for plan, short in PLAN_NAMES
    ]
    return [
        Spec(
            "many-tests",
            0,
            BEYOND,
            "Every claim's p adjusted for there being many",
            inference.many_tests,
            kind="beyond",
        ),
        *(s for domain in DOMAINS for plan, short in PLAN_NAMES for s in _asked(domain, plan, short)),
        *churn,
        Spec(
            "weekly",
            0,
            BEYOND,
            "Interrupted time series on an authority's weekly attendance",
            weekly.interrupted,
            once=True,
            kind="beyond",
        ),
    ]


CATALOGUE: Final[tuple[Spec, ...]] = (
    Spec("flow", 0, SAMPLE, "Every step from the files to the linked data set, counted", flow, once=True),
    Spec("table-51", 51, SAMPLE, "What was received of each year, and of which years nothing", descriptive.coverage,
         once=True),
    _spec(52, SAMPLE, "Pupils by outcome and group", descriptive.sizes),
    _spec(53, ABSENCE, "Mean sessions missed due to absence by year, group and sex",
          lambda frame, name: descriptive.means_by_year(frame, name, "missed")),
    _spec(54, ABSENCE, "What the absence samples are like",
          lambda frame, name: descriptive.sample_summary(frame, name, "missed")),
    _engagement(55, "missed", "CIN plan"),
    _engagement(56, "missed", "CP plan"),
    _spec(57, SUSPENSION, "Mean sessions missed due to suspension by year, group and sex",
          lambda frame, name: descriptive.means_by_year(frame, name, "suspended")),
    _spec(58, SUSPENSION, "What the suspension samples are like",
          lambda frame, name: descriptive.sample_summary(frame, name, "suspended")),
    _engagement(59, "suspended", "CIN plan"),
    _engagement(60, "suspended", "CP plan"),
    *_stage("ks1", 61, 62),
    *_did(63, "ks1", "CIN plan"),
    *_did(64, "ks1", "CP plan"),
    *_stage("ks2", 65, 66),
    *_did(67, "ks2", "CIN plan"),
    *_did(68, "ks2", "CP plan"),
    *_stage("ks4", 69, 70),
    *_did(71, "ks4", "CIN plan"),
    *_did(72, "ks4", "CP plan"),
    _spec(73, ROBUST, "Absence on months on a CIN plan, before and after: is it selection?",
          lambda frame, name: collapsed.selection_check(frame, name, "CIN plan", 73)),
    *(_poisson(m, plan, short) for m in ("missed", "suspended") for plan, short in PLAN_NAMES),
    *(
        Spec(f"persistent-absence-{short}", 0, ROBUST, f"Persistent and severe absence, {plan}",
             lambda frame, name, plan=plan: engagement.persistent_absence(frame, name, plan),  # type: ignore[misc]
             kind="robustness")
        for plan, short in PLAN_NAMES
    ),
    *(s for plan, short in PLAN_NAMES for s in _checks(plan, short)),
    *_beyond(),
)  # fmt: skip


def spec(name: str) -> Spec:
    """The table of this name. Raises BadSetting naming the tables there are."""
    plain = _plain(name)
    found = next((s for s in CATALOGUE if s.id == plain), None)
    if found is None:
        near = get_close_matches(plain, [*(s.id for s in CATALOGUE), *(d.id for d in DRAWINGS)], n=3)
        like = f" The nearest: {', '.join(near)}." if near else ""
        raise BadSetting(f"There is no table or figure '{name}'.{like} See all: sightline evaluate --list.")
    return found


def drawing(name: str) -> Drawing | None:
    """How the figure of this name is drawn; None when it is no figure's name."""
    plain = _plain(name)
    return next((d for d in DRAWINGS if d.id == plain), None)


def _plain(name: str) -> str:
    return name.removesuffix("-with-send").removesuffix("-all-children")


@dataclass(frozen=True, slots=True)
class Job:
    """One table to make: its name, and the run by SEND it belongs to."""

    id: str
    spec: Spec
    send: str


SUFFIX: Final = {"without": "", "with": "-with-send", "all": "-all-children"}


def _asked_for(names: Sequence[str]) -> tuple[str, ...]:
    """The tables these names ask for: a figure's are those it is drawn from, of the same run by SEND."""
    found: list[str] = []
    for name in names:
        drawn = drawing(name)
        if drawn is not None:
            found += [table + name.removeprefix(drawn.id) for table in drawn.tables]
        else:
            found.append(name)
            spec(name)
    return tuple(found)


def jobs(study: Study, only: Sequence[str] = ()) -> list[Job]:
    """Every table of a study in order, or those named or that named figures need. BadSetting on a name that is none."""
    wanted = _asked_for(tuple(only) or study.outputs.tables)
    found = []
    # The first run bears the plain names, so that a study of children with SEND alone has table-55 too.
    for place, send in enumerate(study.sample.send):
        for s in CATALOGUE:
            if s.once and place:
                continue
            suffix = "" if s.once or place == 0 else SUFFIX[send] or "-without-send"
            job = Job(s.id + suffix, s, send)
            if (job.id in wanted or s.id in wanted) if wanted else s.kind in study.outputs.sets:
                found.append(job)
    asked = [job for job in found if _asked_about(study, job.spec)]
    if wanted and not asked:
        why = "an authority's own study has no key stages" if study.data.home else "see its [outcomes]"
        raise BadSetting(f"The study leaves out what {', '.join(sorted(wanted)[:3])} is about: {why}.")
    return asked


def _asked_about(study: Study, s: Spec) -> bool:
    """Whether the study's outcomes leave a table anything to say; one of several outcomes needs one of them."""
    words, asked = s.id.split("-"), study.outcomes
    for stage, chapter in KS.items():
        if stage in words or s.chapter == chapter:
            return bool(getattr(asked, stage))
    for word, chapter in (("absence", ABSENCE), ("suspension", SUSPENSION)):
        if word in words or s.chapter == chapter or (word == "absence" and s.printed == 73):
            return word in asked.engagement
    return bool(asked.engagement) if {"engagement", "churn"} & set(words) else True
