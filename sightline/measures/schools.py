"""SQL that says which school a sender meant, on which day, and which school it has become."""

from __future__ import annotations

_EVER, _NEVER = "DATE '0001-01-01'", "DATE '9999-12-31'"


def schools_sql() -> str:
    """Common table `schools`: one row per URN, as the latest delivery describes it."""
    return """
        schools AS (
            SELECT s.* FROM school s LEFT JOIN delivery USING (delivery)
            QUALIFY row_number() OVER (PARTITION BY s.urn ORDER BY delivery.place DESC NULLS LAST, s.line DESC) = 1
        )
    """


def place_sql(refs: str) -> str:
    """Common tables `schools` and `place`: one row per reference a sender used per span of days, with the URN then.

    `refs` is a query with one column, `ref`. A URN is itself. A LAESTAB (with or without a separator) outlives a
    conversion to an academy, so it is the school that had opened last under that number on the day. A reference to
    no known school has no row. Spans of one reference never overlap: `from_day` is in, `to_day` is out.
    """
    return f"""
        {schools_sql()},
        place AS (
            SELECT ref, urn, {_EVER} AS from_day, {_NEVER} AS to_day FROM ({refs}) JOIN schools ON urn = trim(ref)
            UNION ALL
            SELECT ref, urn,
                CASE WHEN row_number() OVER opened = 1 THEN {_EVER} ELSE coalesce(open_date, {_EVER}) END,
                coalesce(lead(open_date) OVER opened, {_NEVER})
            FROM ({refs})
            JOIN schools ON laestab = regexp_replace(ref, '[^0-9]', '', 'g')
            WHERE regexp_full_match(trim(ref), '[0-9]{{3}}[-/ ]?[0-9]{{4}}')
            WINDOW opened AS (PARTITION BY ref ORDER BY open_date NULLS FIRST, close_date NULLS LAST, urn)
        )
    """


def became_sql() -> str:
    """Common table `became`: one row per URN that closed into exactly one other, with the school it is today.

    Links are followed to the end. A school that was split has several successors and is left as it was.
    Write it after WITH RECURSIVE.
    """
    return """
        successor AS (
            SELECT urn, min(next) AS next
            FROM (
                SELECT urn, link_urn AS next FROM school_link WHERE link_type ILIKE 'successor%'
                UNION
                SELECT link_urn, urn FROM school_link WHERE link_type ILIKE 'predecessor%'
            )
            WHERE urn <> next
            GROUP BY urn
            HAVING count(DISTINCT next) = 1
        ),
        followed AS (
            SELECT urn, next, 1 AS step FROM successor
            UNION
            SELECT followed.urn, successor.next, step + 1
            FROM followed JOIN successor ON successor.urn = followed.next
            WHERE step < 20 AND successor.next <> followed.urn
        ),
        became AS (SELECT urn, arg_max(next, step) AS today FROM followed GROUP BY urn)
    """
