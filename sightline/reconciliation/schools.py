"""Rules on school: which, on roll or not, since when, which year group, marks on one side only, nobody's school."""

from __future__ import annotations

from typing import Final

from sightline.reconciliation.rule import EDUCATION, IDENTITY, STATUS, Rule, parted

_SHOWS: Final = frozenset({EDUCATION})
_TWO: Final = "(SELECT count(DISTINCT system) FROM _roll_day) > 1"
_TWO_SAYS: Final = "Two registers (such as the school census and a school's own system) must send rolls."
_MARKS: Final = "EXISTS (SELECT 1 FROM _sent WHERE last_week >= (SELECT year_start FROM _setting))"
_YEARS: Final = "['N1', 'N2', 'R', '1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12', '13', '14']"
_ROLL_SILENT: Final = 14  # days a school's marks may be behind the newest, before it is asked
_SCHOOL_OF: Final = "'school ' || {0} || ' since ' || coalesce({1}::TEXT, 'an unknown day')"

SCHOOL_RULES: Final = (
    Rule(
        code="school",
        name="Two schools",
        says="Two registers each have the child on their main roll on one day, at different schools.",
        grain="child",
        between="two registers",
        due=7,
        why="Notices of a plan go to a school; the wrong one must not have them.",
        shows=_SHOWS,
        ready=_TWO,
        lacks=_TWO_SAYS,
        find=parted(
            """
            FROM _roll_now a JOIN _roll_now b ON b.child_id = a.child_id AND b.system <> a.system AND b.urn <> a.urn
                AND (a.day < b.day OR (a.day = b.day AND a.system < b.system))
            WHERE a.main AND b.main AND b.entry_date <= a.day
            QUALIFY row_number() OVER (PARTITION BY a.child_id, a.system, b.system ORDER BY b.entry_date DESC) = 1
            """,
            what="'school in ' || a.system || ' and ' || b.system",
            urn="a.urn",
            left=_SCHOOL_OF.format("a.urn", "a.entry_date"),
            right=_SCHOOL_OF.format("b.urn", "b.entry_date"),
        ),
    ),
    Rule(
        code="on-roll",
        name="On roll in one register only",
        says="One register has the child on a school's roll on a day on which another, which speaks of that "
        "school, has not.",
        grain="child and school",
        between="two registers",
        due=7,
        why="A child on no roll may be missing education; a child on two is counted twice.",
        shows=_SHOWS,
        ready=_TWO,
        lacks=_TWO_SAYS,
        find=parted(
            """
            FROM _roll_now a JOIN _roll_day d ON d.urn = a.urn AND d.system <> a.system
            WHERE coalesce(a.entry_date, a.day) <= least(a.day, d.day) AND NOT EXISTS (
                SELECT 1 FROM _roll_said q WHERE q.child_id = a.child_id AND q.system = d.system AND q.urn = a.urn
                    AND coalesce(q.entry_date, q.day) <= least(a.day, d.day)
                    AND (q.leaving_date IS NULL OR q.leaving_date >= least(a.day, d.day)))
            """,
            what="'roll of ' || a.urn || ' in ' || d.system",
            urn="a.urn",
            system="d.system",
            left=_SCHOOL_OF.format("a.urn", "a.entry_date"),
            right="'not on its roll on ' || least(a.day, d.day)",
            right_system="d.system",
            right_delivery="d.delivery",
            right_line="NULL",
        ),
    ),
    Rule(
        code="roll-dates",
        name="Two dates at one school",
        says="Two registers have one registration with different first or last days.",
        grain="child and school",
        between="two registers",
        due=28,
        why="Sessions possible, and who was told when, are counted from them.",
        shows=_SHOWS,
        ready=_TWO,
        lacks=_TWO_SAYS,
        find=parted(
            """
            FROM (
                SELECT * FROM _roll_said
                QUALIFY row_number() OVER (PARTITION BY child_id, system, urn
                    ORDER BY word DESC, entry_date DESC, line DESC) = 1
            ) a JOIN (
                SELECT * FROM _roll_said
                QUALIFY row_number() OVER (PARTITION BY child_id, system, urn
                    ORDER BY word DESC, entry_date DESC, line DESC) = 1
            ) b ON b.child_id = a.child_id AND b.urn = a.urn AND b.system <> a.system
                AND (a.word < b.word OR (a.word = b.word AND a.system < b.system))
            WHERE (a.entry_date <> b.entry_date
                    AND a.entry_date <= coalesce(b.leaving_date, a.entry_date) AND b.entry_date <= a.day)
                OR (a.entry_date = b.entry_date AND a.leaving_date <> b.leaving_date)
            """,
            what="'dates at ' || a.urn",
            urn="a.urn",
            left="concat_ws(' to ', coalesce(a.entry_date::TEXT, 'unknown'), a.leaving_date)",
            right="concat_ws(' to ', coalesce(b.entry_date::TEXT, 'unknown'), b.leaving_date)",
        ),
    ),
    Rule(
        code="year-group",
        name="Two year groups",
        says="Two registers have the child in different year groups in one academic year.",
        grain="child",
        between="two registers",
        due=28,
        why="Statutory assessments and the move to secondary school go by it.",
        shows=_SHOWS,
        ready=_TWO,
        lacks=_TWO_SAYS,
        find=parted(
            f"""
            FROM (
                SELECT *, list_position({_YEARS}, year_group) - year(day) + (month(day) < 8)::INT AS place
                FROM _roll_said WHERE list_contains({_YEARS}, year_group) AND leaving_date IS NULL
                QUALIFY row_number() OVER (PARTITION BY child_id, system ORDER BY word DESC, line DESC) = 1
            ) a JOIN (
                SELECT *, list_position({_YEARS}, year_group) - year(day) + (month(day) < 8)::INT AS place
                FROM _roll_said WHERE list_contains({_YEARS}, year_group) AND leaving_date IS NULL
                QUALIFY row_number() OVER (PARTITION BY child_id, system ORDER BY word DESC, line DESC) = 1
            ) b ON b.child_id = a.child_id AND b.system <> a.system
                AND (a.word < b.word OR (a.word = b.word AND a.system < b.system))
            WHERE a.place <> b.place
            """,
            what="'year group in ' || a.system || ' and ' || b.system",
            urn="a.urn",
            left="'year ' || a.year_group || ' on ' || a.day",
            right="'year ' || b.year_group || ' on ' || b.day",
        ),
    ),
    Rule(
        code="marks-off-roll",
        name="Marks off the roll",
        says="A school sends marks for a child whom no register has on its roll then: never there, or gone before.",
        grain="child and school",
        between="a school's marks and the registers",
        due=7,
        why="Attendance counted where the child is not hides where the child is.",
        shows=_SHOWS,
        ready=f"EXISTS (SELECT 1 FROM _roll_day) AND {_MARKS}",
        lacks="Marks of this academic year and a register of the same schools are needed.",
        find=parted(
            """
            FROM (
                SELECT p.*, r.leaving_date, r.delivery AS roll_delivery, r.line AS roll_line, r.system AS roll_system
                FROM _present p JOIN (SELECT urn, max(day) AS day FROM _roll_day GROUP BY urn) d ON d.urn = p.urn
                LEFT JOIN (
                    -- The last word on the child at the school; a registration still open leaves nothing to ask.
                    SELECT child_id, urn, arg_max(delivery, k) AS delivery, arg_max(line, k) AS line,
                        arg_max(system, k) AS system,
                        CASE WHEN bool_or(leaving_date IS NULL AND last) THEN NULL ELSE max(leaving_date) END
                            AS leaving_date
                    FROM (
                        SELECT s.*, (coalesce(leaving_date, entry_date), word) AS k,
                            row_number() OVER (PARTITION BY child_id, urn, system, entry_date
                                ORDER BY word DESC, leaving_date IS NULL) = 1 AS last
                        FROM _roll_said s
                    ) GROUP BY ALL
                ) r ON r.child_id = p.child_id AND r.urn = p.urn
                WHERE r.child_id IS NULL AND p.first_week <= d.day
                    OR r.leaving_date < p.last_week
                    OR (r.leaving_date < p.last_week + 6 AND EXISTS (
                        -- Left within the last week of marks: is there a mark of being there on a later day of it?
                        SELECT 1 FROM register_week w WHERE w.child_id = p.child_id AND w.urn = p.urn
                            AND w.week = p.last_week
                            AND length(translate(substr(w.marks, 2 * (r.leaving_date - w.week + 1)::INT + 1),
                                translate(w.marks, (SELECT present FROM _setting), ''), '')) > 0))
            ) a
            """,
            what="'marks at ' || a.urn",
            urn="a.urn",
            left="'marks in the week of ' || a.last_week",
            right="coalesce('left on ' || a.leaving_date, 'never on its roll')",
            right_system="a.roll_system",
            right_delivery="a.roll_delivery",
            right_line="a.roll_line",
        ),
    ),
    Rule(
        code="roll-without-marks",
        name="On roll without marks",
        says="A register has a child of school age on the roll of a school that sends marks, and this academic year "
        "there is none for the child.",
        grain="child and school",
        between="the registers and a school's marks",
        due=7,
        why="No mark is not an absence: the child may be matched to nobody, or may be nowhere.",
        shows=_SHOWS,
        ready=f"EXISTS (SELECT 1 FROM _roll_day) AND {_MARKS}",
        lacks="Marks of this academic year and a register of the same schools are needed.",
        find=parted(
            """
            FROM _roll_now a JOIN _sent b ON b.urn = a.urn AND b.last_week > a.day JOIN _care c USING (child_id)
            JOIN _at_school t ON t.child_id = a.child_id AND t.urn = a.urn AND t.now
            WHERE a.main AND c.school_age AND a.day >= (SELECT year_start FROM _setting)
                AND NOT EXISTS (SELECT 1 FROM _present p WHERE p.child_id = a.child_id AND p.urn = a.urn)
            QUALIFY row_number() OVER (PARTITION BY a.child_id, a.urn ORDER BY a.word DESC) = 1
            """,
            what="'marks at ' || a.urn",
            urn="a.urn",
            system="b.system",
            left=_SCHOOL_OF.format("a.urn", "a.entry_date"),
            right="'no mark this academic year'",
            right_line="NULL",
        ),
    ),
    Rule(
        code="school-marks-late",
        name="School that sends no marks",
        says=f"A school with pupils on roll has sent no marks this academic year, or its marks end {_ROLL_SILENT} days "
        "or more before the newest of any school.",
        grain="school",
        between="the registers and a school's marks",
        due=7,
        why="Every child there looks as if attendance were unknown; one letter settles them all.",
        shows=_SHOWS,
        ready=f"EXISTS (SELECT 1 FROM _roll_day) AND {_MARKS}",
        lacks="Marks of this academic year and a register of the same schools are needed.",
        find=parted(
            f"""
            FROM (
                SELECT d.*, s.last_week, s.system AS marks_system, s.delivery AS marks_delivery,
                    (SELECT max(last_week) FROM _sent) AS newest
                FROM _roll_day d LEFT JOIN _sent s ON s.urn = d.urn
                WHERE d.day >= (SELECT year_start FROM _setting)
                QUALIFY row_number() OVER (PARTITION BY d.urn ORDER BY d.day DESC, d.system) = 1
            ) a
            WHERE coalesce(a.last_week, DATE '1900-01-01') <= a.newest - {_ROLL_SILENT}
            """,
            child="NULL",
            urn="a.urn",
            what="'marks of ' || a.urn",
            system="coalesce(a.marks_system, 'marks')",
            left="a.pupils || ' pupils on roll on ' || a.day",
            left_line="NULL",
            right="CASE WHEN a.last_week >= (SELECT year_start FROM _setting) "
            "THEN 'marks end in the week of ' || a.last_week ELSE 'no marks this academic year' END",
            right_system="a.marks_system",
            right_delivery="a.marks_delivery",
            right_line="NULL",
            days="a.newest - coalesce(a.last_week, (SELECT year_start FROM _setting))",
        ),
    ),
    Rule(
        code="not-in-education",
        name="No education record",
        says="On a plan and of compulsory school age, and no record of any school's system is known to be the child's, "
        "nor of another record that is plainly the same child.",
        grain="child",
        between="the care systems and every education system",
        due=7,
        why="The child is in no figure: matched to nobody, educated elsewhere, or missing education.",
        shows=frozenset({IDENTITY, STATUS}),
        ready="EXISTS (SELECT 1 FROM pupil)",
        lacks="An education system must send pupils.",
        owner="virtual-school",
        find=parted(
            """
            FROM _mention a JOIN _care c USING (child_id)
            WHERE c.on_plan AND c.school_age
                AND NOT EXISTS (SELECT 1 FROM _ref r JOIN pupil p ON p.system = r.system AND p.pupil_ref = r.ref
                    WHERE r.child_id = a.child_id)
                -- A second record of a child whom a school knows is a duplicate to be put right, and no child missing.
                AND a.child_id NOT IN (
                    SELECT x.child_id
                    FROM _twice t JOIN _record x ON x.system = t.system AND x.value IN (t.first, t.second)
                    JOIN _record y ON y.system = t.system AND y.value IN (t.first, t.second)
                    JOIN person p ON p.child_id = x.child_id JOIN person q ON q.child_id = y.child_id
                    JOIN _ref r ON r.child_id = y.child_id JOIN pupil u ON u.system = r.system AND u.pupil_ref = r.ref
                    WHERE x.child_id <> y.child_id AND (x.upn = y.upn OR p.postcode = q.postcode))
            QUALIFY row_number() OVER (PARTITION BY a.child_id ORDER BY a.day DESC, a.system) = 1
            """,
            what="'education record'",
            left="'known to social care, of school age'",
            right="NULL",
            right_system="NULL",
            right_delivery="NULL",
            right_line="NULL",
        ),
    ),
    Rule(
        code="left-every-roll",
        name="Left, and arrived nowhere",
        says="On a plan and of compulsory school age, with no open registration: the last school says that the "
        "child left.",
        grain="child",
        between="the care systems and the registers",
        due=7,
        why="The child may have moved across the border: contact is kept until the next school is known.",
        shows=frozenset({EDUCATION, STATUS}),
        ready="EXISTS (SELECT 1 FROM enrolment)",
        lacks="A register must send rolls.",
        owner="virtual-school",
        find=parted(
            """
            FROM _at_school a JOIN _care c USING (child_id)
            JOIN _mention b ON b.child_id = a.child_id
            WHERE c.on_plan AND c.school_age AND NOT a.now
            QUALIFY row_number() OVER (PARTITION BY a.child_id ORDER BY b.day DESC, b.system) = 1
            """,
            what="'roll after ' || a.urn",
            urn="a.urn",
            system="(SELECT system FROM _ranked k WHERE k.delivery = a.delivery)",
            left_system="(SELECT system FROM _ranked k WHERE k.delivery = a.delivery)",
            left="'off roll of school ' || a.urn || ' from ' || a.end_date",
            right="'on a plan'",
        ),
    ),
    Rule(
        code="school-outside",
        name="At school across the border",
        says="On a plan here, and on the roll of a school of another authority.",
        grain="child",
        between="the registers and the register of schools",
        due=28,
        why="Its marks and suspensions reach the other authority; somebody must ask for them.",
        shows=frozenset({EDUCATION, STATUS}),
        ready="EXISTS (SELECT 1 FROM school WHERE authority IS NOT NULL) "
        "AND EXISTS (SELECT 1 FROM _ranked WHERE authority <> '')",
        lacks="The register of schools, and a file that says whose authority this is, are needed.",
        owner="virtual-school",
        settings=("authority",),
        find=parted(
            """
            FROM _at_school a JOIN _care c USING (child_id)
            JOIN (SELECT urn, any_value(authority) AS authority, any_value(delivery) AS delivery,
                any_value(line) AS line FROM school WHERE authority IS NOT NULL GROUP BY urn) b ON b.urn = a.urn
            CROSS JOIN (
                SELECT coalesce(nullif((SELECT authority FROM _setting), ''), (SELECT mode(authority) FROM _ranked
                    WHERE authority <> '')) AS ours
            )
            WHERE c.on_plan AND a.now AND b.authority <> ours
            """,
            what="'authority of school ' || a.urn",
            urn="a.urn",
            system="(SELECT system FROM _ranked k WHERE k.delivery = a.delivery)",
            left_system="(SELECT system FROM _ranked k WHERE k.delivery = a.delivery)",
            left="'on roll at ' || a.urn",
            right="'a school of authority ' || b.authority",
            right_system="'gias'",
        ),
    ),
)
