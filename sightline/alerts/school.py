"""Reasons that come from schools: suspensions, attendance, marks that do not come, and no school at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from fractions import Fraction
from typing import Any

from sightline.alerts.facts import Facts, Found, how_many
from sightline.vocabulary.codes import code_list
from sightline.vocabulary.dates import day_in_words

RestsOn = tuple[tuple[str, tuple[int, ...]], ...]


def _excluded(facts: Facts, categories: str) -> list[dict[str, Any]]:
    """Exclusions that began in the week, or that a file received in the week was the first to tell of.

    The first file of a system is history, not news: what it tells of is late only when an earlier file of the system
    was there to tell of it. Late ones are those of this academic year.
    """
    return facts.rows(
        f"""
        SELECT x.*, schools.name AS school_name,
            x.start_date <= DATE '{facts.since}' AS late, (x.received - x.start_date) AS days_to_reach_us
        FROM exclusion x LEFT JOIN delivery d USING (delivery) LEFT JOIN school AS schools USING (urn)
        WHERE x.category IN ({categories}) AND x.start_date <= DATE '{facts.as_at}' AND (
            x.start_date > DATE '{facts.since}'
            OR (
                x.start_date >= DATE '{facts.year_start}'
                AND x.received > DATE '{facts.since}' AND x.received <= DATE '{facts.as_at}'
                AND EXISTS (
                    FROM delivery e
                    WHERE e.system = d.system AND e.kind = d.kind AND e.received <= DATE '{facts.since}'
                )
            )
        )
        ORDER BY x.start_date
        """
    )


def _exclusion_found(facts: Facts, row: dict[str, Any], what: str) -> Found:
    at = f" at {row['school_name']}" if row["school_name"] else ""
    says = f"{what} on {day_in_words(row['start_date'])}{at}"
    reason = _exclusion_reason(row["reason1"], row["start_date"])
    says += f": {reason}." if reason else "."
    late_days: int | None = row["days_to_reach_us"]
    if row["late"]:
        says += f" We were told on {day_in_words(row['received'])}."
    known = row["received"] is not None and row["received"] <= facts.as_at
    if known and late_days is not None and late_days > facts.settings.late_record_days:
        says += f" It reached us {how_many(late_days, 'day')} after it began."
    figures = {
        "category": row["category"], "sessions": row["sessions"], "reason": row["reason1"],
        "received": row["received"], "arrived_late": row["late"],
    }  # fmt: skip
    return Found(row["child_id"], says, row["start_date"], _one(row["delivery"], row["line"]), figures, row["urn"])


def suspension(facts: Facts) -> Iterator[Found]:
    """Suspended (or suspended at lunchtime) in the week, or we learned of it in the week."""
    for row in _excluded(facts, "'SUSP', 'LNCH'"):
        what = "Suspended at lunchtime" if row["category"] == "LNCH" else "Suspended"
        if row["sessions"]:
            what += f" for {how_many(row['sessions'], 'half day')}"
        yield _exclusion_found(facts, row, what)


def permanent_exclusion(facts: Facts) -> Iterator[Found]:
    """Permanently excluded in the week, or we learned of it in the week."""
    for row in _excluded(facts, "'PERM'"):
        yield _exclusion_found(facts, row, "Permanently excluded")


def _exclusion_reason(code: str | None, on: date) -> str:
    """What a reason code meant on a day (whenever it was valid, failing that); empty when there is no such code."""
    found = [c for c in code_list("exclusion_reason") if c.code == code]
    held = [c for c in found if c.holds_on(on)] or found
    return held[0].meaning if held else ""


def _crossed(facts: Facts, *, down: bool) -> list[dict[str, Any]]:
    """One row per child whose attendance this year crossed a threshold in the week: sessions to the day and to a week
    before, and `percents`, the thresholds crossed. Whole numbers are compared: a rate of exactly 90 is not below.
    """
    least = facts.settings.least_sessions
    crossed = []
    for percent in facts.settings.crossing_percents:
        limit = Fraction(str(percent)) / 100
        now, was = (
            f"{limit.denominator} * (possible{at} - absent{at})::BIGINT < {limit.numerator} * possible{at}::BIGINT"
            for at in ("", "_before")
        )
        judged = f"possible_before >= {least}"
        held = f"{now} AND NOT ({judged} AND {was})" if down else f"NOT ({now}) AND {judged} AND {was}"
        crossed.append(f"CASE WHEN {held} THEN {percent!r}::DOUBLE END")
    return facts.rows(
        f"""
        WITH now AS (
            SELECT child_id, sum(possible)::INTEGER AS possible, sum(absent)::INTEGER AS absent, max(week) AS last_week
            FROM register WHERE week >= DATE '{facts.year_start}' GROUP BY child_id
        ),
        was AS (
            SELECT child_id, sum(possible)::INTEGER AS possible_before, sum(absent)::INTEGER AS absent_before
            FROM register_before WHERE week >= DATE '{facts.year_start}' GROUP BY child_id
        ),
        rates AS (
            SELECT now.*, coalesce(possible_before, 0) AS possible_before, coalesce(absent_before, 0) AS absent_before
            FROM now LEFT JOIN was USING (child_id) SEMI JOIN (FROM member WHERE listed) USING (child_id)
        ),
        found AS (
            SELECT *, list_filter([{", ".join(crossed)}], lambda x: x IS NOT NULL) AS percents
            FROM rates WHERE possible >= {least}
        )
        SELECT found.*, rests."on"
        FROM found JOIN (
            SELECT child_id, {_RESTS_ON} AS "on" FROM register
            WHERE week >= DATE '{facts.year_start}' AND child_id IN (SELECT child_id FROM found WHERE len(percents) > 0)
            GROUP BY child_id
        ) AS rests USING (child_id)
        WHERE len(percents) > 0
        """
    )


def crossed(*, down: bool) -> Callable[[Facts], Iterator[Found]]:
    """The finder of children whose attendance this year fell below (or rose back to) a threshold within the week.

    Only a rate over `least_sessions` possible sessions is judged. A child whose rate becomes one in the week, and is
    below, has fallen below. Of several thresholds, the furthest crossed is the one told.
    """

    def find(facts: Facts) -> Iterator[Found]:
        for row in _crossed(facts, down=down):
            percent = min(row["percents"]) if down else max(row["percents"])
            now = 1 - Fraction(row["absent"], row["possible"])
            before = _judged(row["absent_before"], row["possible_before"], facts.settings.least_sessions)
            way = "below" if down else "back to at least"
            says = f"Attendance this year is {_percent(now, percent)}, {way} {percent:g}%"
            if before is not None:
                says += f" (it was {_percent(before, percent)} a week before)."
            else:
                says += f". {how_many(row['possible'], 'half day')} are now enough to judge by."
            figures = {
                "threshold": percent, "attendance": _number(now), "before": _number(before),
                "possible": row["possible"], "absent": row["absent"],
                "possible_before": row["possible_before"], "absent_before": row["absent_before"],
            }  # fmt: skip
            yield Found(row["child_id"], says, row["last_week"], _rests_on(row["on"]), figures)

    return find


crossed_down = crossed(down=True)
crossed_up = crossed(down=False)


def falling(facts: Facts) -> Iterator[Found]:
    """Attendance of the latest weeks with school days is lower, by the points set, than of the weeks before them."""
    if not facts.has_school_days:
        return
    settings = facts.settings
    recent, before = settings.drift_recent_weeks, settings.drift_before_weeks
    stretch = f"CASE WHEN n <= {recent} THEN 'recent' ELSE 'before' END"
    rows = facts.rows(
        f"""
        SELECT child_id,
            (sum(possible) FILTER (stretch = 'recent'))::INTEGER AS possible,
            (sum(absent) FILTER (stretch = 'recent'))::INTEGER AS absent,
            (sum(possible) FILTER (stretch = 'before'))::INTEGER AS possible_before,
            (sum(absent) FILTER (stretch = 'before'))::INTEGER AS absent_before,
            {_RESTS_ON} AS rests_on
        FROM (
            SELECT register.*, {stretch} AS stretch
            FROM register JOIN school_week USING (week) WHERE n <= {recent + before}
        )
        SEMI JOIN (FROM member WHERE listed) USING (child_id)
        GROUP BY child_id
        """
    )
    since: date | None = facts.database.one(f"SELECT min(week) FROM school_week WHERE n <= {recent}")
    points = Fraction(str(settings.drift_points)) / 100
    for row in rows:
        was = _judged(row["absent_before"], row["possible_before"], settings.least_sessions)
        now = _judged(row["absent"], row["possible"], settings.least_sessions)
        if was is None or now is None or was - now < points:
            continue
        says = f"Attendance fell from {_percent(was)} to {_percent(now)}: the last {how_many(recent, 'school week')} "
        says += f"against the {before} before."
        figures = {
            "attendance": _number(now), "before": _number(was), "points": _number(was - now),
            "possible": row["possible"], "absent": row["absent"],
            "possible_before": row["possible_before"], "absent_before": row["absent_before"],
        }  # fmt: skip
        yield Found(row["child_id"], says, since, _rests_on(row["rests_on"]), figures)


def no_school(facts: Facts) -> Iterator[Found]:
    """On a plan, of compulsory school age, on no school's roll that day, and in no register this week.

    Children between two schools in a holiday are not listed: a week with school days must have begun since the last
    roll was left.
    """
    rows = facts.rows(
        f"""
        WITH last_roll AS (
            SELECT child_id, arg_max(struct_pack(urn, end_date, delivery, line), end_date) AS roll
            FROM enrolment WHERE end_date <= DATE '{facts.as_at}' GROUP BY child_id
        ),
        unschooled AS (
            SELECT child_id, now, roll, greatest(school_age_from, roll.end_date) AS since
            FROM member LEFT JOIN last_roll USING (child_id)
            WHERE listed AND school_age
            AND NOT EXISTS (FROM enrolment e WHERE e.child_id = member.child_id
                AND (e.end_date IS NULL OR e.end_date > DATE '{facts.as_at}'))
            AND NOT EXISTS (FROM register r WHERE r.child_id = member.child_id AND r.marked > 0
                AND r.week + 6 > DATE '{facts.since}')
        )
        SELECT unschooled.*, school.name AS school_name,
            (SELECT arg_max(struct_pack(delivery, line), start_date) FROM period p
                WHERE p.child_id = unschooled.child_id AND p.status = unschooled.now) AS plan
        FROM unschooled LEFT JOIN school ON school.urn = roll.urn
        WHERE EXISTS (FROM school_week WHERE week >= since)
        """
    )
    for row in rows:
        roll, since = row["roll"], row["since"]
        days = (facts.as_at - since).days
        if roll:
            last = f" Last at {row['school_name']}." if row["school_name"] else ""
            says = f"On no school's roll since {day_in_words(since)} ({how_many(days, 'day')}).{last}"
            rests_on = _one(roll["delivery"], roll["line"])
        else:
            says = f"No school found in any file; of school age since {day_in_words(since)}."
            rests_on = _one(row["plan"]["delivery"], row["plan"]["line"]) if row["plan"] else ()
        yield Found(row["child_id"], says, since, rests_on, {"days": days}, roll["urn"] if roll else None)


def no_marks(facts: Facts) -> Iterator[Found]:
    """On a plan, of compulsory school age and on roll all week, with no mark though the week had school days."""
    if not facts.has_school_days:
        return
    rows = facts.rows(
        f"""
        WITH on_roll AS (
            SELECT child_id, arg_max(struct_pack(urn, start_date, delivery, line),
                struct_pack(main := coalesce(status, '') <> 'S', start_date)) AS roll
            FROM enrolment
            WHERE start_date <= DATE '{facts.since}' AND (end_date IS NULL OR end_date > DATE '{facts.as_at}')
            GROUP BY child_id
        ),
        marked AS (
            SELECT child_id, max(week) FILTER (marked > 0) AS last_week,
                coalesce(bool_or(marked > 0 AND week + 4 > DATE '{facts.since}'), false) AS marked
            FROM register GROUP BY child_id
        )
        SELECT child_id, roll, last_week, school.name AS school_name,
            EXISTS (FROM school_total t WHERE t.urn = roll.urn AND t.week + 4 > DATE '{facts.since}') AS others
        FROM member JOIN on_roll USING (child_id) LEFT JOIN marked USING (child_id)
        LEFT JOIN school ON school.urn = roll.urn
        WHERE listed AND school_age AND NOT coalesce(marked.marked, false)
        """
    )
    for row in rows:
        school = row["school_name"] or "the school"
        whose = "for this child" if row["others"] else "for anyone"
        says = f"No marks received this week: {school} sent none {whose}."
        if row["last_week"]:
            says += f" The last are of the week of {day_in_words(row['last_week'])}."
        since = row["last_week"] or row["roll"]["start_date"]
        figures = {"last_week": row["last_week"], "school_sent_others": row["others"]}
        yield Found(row["child_id"], says, since, _one(row["roll"]["delivery"], row["roll"]["line"]), figures)


# Figures

_RESTS_ON = "list(struct_pack(delivery, line) ORDER BY week, delivery, line) FILTER (delivery IS NOT NULL)"


def _judged(absent: int | None, possible: int | None, least: int) -> Fraction | None:
    """Attendance as a share, exactly; None over too few possible sessions to judge."""
    return 1 - Fraction(absent or 0, possible) if possible and possible >= least else None


def _percent(share: Fraction, beside: float | None = None) -> str:
    """A percentage with one decimal; with more where rounding would set it on the threshold it stands `beside`."""
    exact, places = share * 100, 1
    if beside is not None and exact != Fraction(str(beside)):
        # Shares of whole sessions differ from a threshold by more than a millionth.
        places = next(n for n in range(1, 9) if Fraction(f"{float(exact):.{n}f}") != Fraction(str(beside)))
    return f"{float(exact):.{places}f}%"


def _number(share: Fraction | None) -> float | None:
    return None if share is None else round(float(share * 100), 2)


def _one(delivery: str | None, line: int | None) -> RestsOn:
    return ((delivery, () if line is None else (line,)),) if delivery else ()


def _rests_on(rows: list[dict[str, Any]] | None) -> RestsOn:
    """The lines by delivery, in the order of the weeks they tell of."""
    lines: dict[str, list[int]] = {}
    for row in rows or ():
        lines.setdefault(row["delivery"], []).extend([] if row["line"] is None else [row["line"]])
    return tuple((delivery, tuple(sorted(found))) for delivery, found in lines.items())
