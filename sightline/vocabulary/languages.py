"""Whether a first language is English: the census's own codes, and what the Department takes them to mean."""

from __future__ import annotations

from typing import Final

# School census, language code set: English, and "believed to be English".
ENGLISH: Final = ("ENG", "ENB")
# Not obtained, refused, and classification pending: nothing is known, so nothing is said.
UNKNOWN: Final = ("NOT", "REF", "ZZZ")


def additional_english(language: str | None) -> bool | None:
    """Whether English is an additional language (EAL) for a pupil of this first language; None where it is not known.

    "Believed to be other than English" (OTB) counts as EAL (DfE, schools, pupils and their characteristics).
    """
    code = (language or "").strip().upper()
    return None if not code or code in UNKNOWN else code not in ENGLISH


def additional_english_sql(language: str) -> str:
    """The same as SQL text, "true" or "false", of a column of codes."""
    code = f"nullif(trim(upper({language})), '')"
    unknown, english = (", ".join(f"'{c}'" for c in codes) for codes in (UNKNOWN, ENGLISH))
    return f"CASE WHEN {code} NOT IN ({unknown}) THEN ({code} NOT IN ({english}))::TEXT END"
