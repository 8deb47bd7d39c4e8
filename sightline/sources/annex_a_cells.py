"""SQL of the cells of an Annex A workbook: what each says, however the authority writes it.

Choices are written "b) Female", "s) 8: Other", "N1 - Abuse or Neglect", and in as many other ways as there are systems
and people. What no word list and no pattern knows stays as it came, and `conform` tells of it.
"""

from __future__ import annotations

from sightline.sources.columns import ABSENT, coded_only, first, literal, plain_sql, words
from sightline.vocabulary.codes import code_list

# What a spreadsheet, a report or a person writes where there is nothing, and where there is nobody.
_NOTHING = "'', '-', '#N/A', 'N/A', 'NULL', 'NAN', 'NAT', 'NONE'"
_NOBODY = "'unallocated', 'not allocated', 'no allocated worker', 'to be allocated', 'awaiting allocation', 'tbc'"


def cell(column: str, present: set[str]) -> str:
    """A cell, with non-breaking spaces made plain; null when empty or a spreadsheet's way of saying so."""
    x = first((column,), present)
    tidy = f"trim(regexp_replace({x}, '[\\s\\x{{00A0}}]+', ' ', 'g'))"
    return f"CASE WHEN upper({tidy}) NOT IN ({_NOTHING}) THEN {tidy} END" if x != ABSENT else x


def choice(column: str, present: set[str]) -> str:
    """The same without the letter that numbers a choice."""
    return f"nullif(regexp_replace({cell(column, present)}, '^(\\(?[a-z]{{1,2}}\\)|[a-z]\\.)\\s*', ''), '')"


def flag(column: str, present: set[str]) -> str:
    """A yes or a no, however it is written; null where it is not known. "No further action" is what the column asks."""
    x = choice(column, present)
    said = plain_sql(x)
    return (
        f"CASE WHEN {said} IN ('nfa', 'no further action') THEN 'true' "
        f"WHEN {said} IN ('fa', 'further action') THEN 'false' "
        f"WHEN {said} IN ('u', 'unknown', 'not known', 'not recorded') THEN NULL "
        f"WHEN regexp_matches({said}, '^(yes|y|true|1)( |$)') THEN 'true' "
        f"WHEN regexp_matches({said}, '^(no|n|false|0)( |$)') THEN 'false' ELSE {x} END"
    )


def code_of(x: str, pattern: str, codes: str, *, local: str = "") -> str:
    """The code a choice begins with or holds, or that its words name; else the words, which `conform` reports.

    `local` is a pattern of what authorities write after the code to divide it ("N1a").
    """
    begins = f"nullif(regexp_extract(upper({x}), '^[^0-9A-Z]*({pattern}){local}(?:[^0-9A-Z]|$)', 1), '')"
    holds = f"nullif(regexp_extract(upper({x}), '(?:[\\[(]|^CIN ?- ?|^CHILD )({pattern})(?:[^0-9]|$)', 1), '')"
    return f"coalesce({begins}, {coded_only(x, words(codes, codes))}, {holds}, {x})"


def listed(codes: str) -> str:
    """A pattern of the codes of a list, the longer ones first."""
    return "|".join(sorted((code.code for code in code_list(codes)), key=len, reverse=True))


# The local code that old systems write before the words: "(A.A1) White - British", "A1 - White British".
_OLD_CODE = r"^([a-z] )?[a-z]{1,2} ?[0-9]{1,2}( [0-9]{1,2})? "


def ethnicity(present: set[str]) -> str:
    """The code that stands in the choice, or that its words name. What could be two is neither: it stays as it came."""
    x = choice("ethnicity", present)
    inside = f"nullif(regexp_extract(upper({x}), '(?:^|[^A-Z])({listed('ethnicity')})(?:[^A-Z]|$)', 1), '')"
    named = words("ethnicity", "ethnicity")
    bare = f"regexp_replace({plain_sql(x)}, '{_OLD_CODE}', '')"
    return f"coalesce({inside}, {coded_only(x, named)}, {coded_only(bare, named)}, {x})"


def ref(present: set[str]) -> str:
    """The child's id."""
    return cell("child_ref", present)


def worker(present: set[str]) -> str:
    """The worker's name; null where the cell says that there is none."""
    x = cell("worker", present)
    return f"CASE WHEN {plain_sql(x)} NOT IN ({_NOBODY}) THEN {x} END"


# What a case status that stands in no list of words is about, in the order in which one outweighs another. A status of
# the past, or of a step on the way to a plan, is none of them: it stays as it came and is asked about.
_STATUSES = (
    ("CLOSED", r"closed|closure|ended"),
    ("", r"no|not|non|ex|former|formerly|previous|previously|never|was|step(ped)?( ?down)?"),
    ("CLA", r"lac|cla|cic|looked after"),
    ("", r"s47|section 47|enquir\w*|investigat\w*|conference"),
    ("CP", r"cp|cpp|child protection|protection plan"),
    ("ASM", r"assess\w*"),
    ("CIN", r"cin|cinp|child(ren)? in need"),
)


def case_status(present: set[str]) -> str:
    """CLA, CP, CIN, ASM or CLOSED, told by list of words and else by the words in it."""
    x = choice("status", present)
    said = plain_sql(x)
    cases = "".join(
        f" WHEN regexp_matches({said}, '\\b({told})\\b') THEN {literal(code) if code else x}"
        for code, told in _STATUSES
    )
    return f"coalesce({coded_only(x, words('case_status'))}, CASE{cases} ELSE {x} END)"
