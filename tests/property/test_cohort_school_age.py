"""Compulsory school age in SQL against its slow, obvious twin."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from sightline.cohort.status import school_age_sql
from sightline.engine import Database
from sightline.vocabulary.ages import compulsory_school_age

DAYS = st.dates(date(1995, 1, 1), date(2035, 12, 31))


@given(st.lists(st.tuples(DAYS, DAYS), min_size=1, max_size=40))
def test_below_of_and_above_agree_with_the_law(pairs):
    values = ", ".join(f"({n}, DATE '{born}', DATE '{day}')" for n, (born, day) in enumerate(pairs))
    with Database() as database:
        got = database.rows(
            f"SELECT {school_age_sql('born', 'day')} FROM (VALUES {values}) AS t(n, born, day) ORDER BY n"
        )
    for (born, day), (said,) in zip(pairs, got, strict=True):
        first, after = compulsory_school_age(born)
        assert said == ("below" if day < first else "of" if day < after else "above")
