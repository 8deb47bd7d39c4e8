"""Children kept in memory by a server answer as the files do, and hold nobody whom social care does not know."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from sightline import alerts, cohort, measures, operations
from sightline.operations import Home, Scope
from sightline.vocabulary.errors import NotAllowed
from sightline.vocabulary.periods import academic_year


@pytest.fixture(scope="module")
def both(home):
    """The snapshot read from files, and with its children kept in memory."""
    held = Home.open(home)
    files = operations.opened(held)
    kept = operations.opened(held, keep_children=True)
    assert files.children is files.database
    assert kept.children is not kept.database
    return files, kept


def known(opened):
    return [c for (c,) in opened.database.rows("SELECT DISTINCT child_id FROM status_period ORDER BY 1")]


def test_one_child_is_the_same_from_memory_and_from_files(both):
    files, kept = both
    children = known(files)
    assert len(children) > 5
    for child in children[:12]:
        from_files = operations.child_facts(files, Scope.everyone(), child)
        from_memory = operations.child_facts(kept, Scope.of([child]), child)
        assert from_files.person == from_memory.person
        for name in ("periods", "workers", "schools", "weeks", "suspensions"):
            one, other = (getattr(f, name).to_pylist() for f in (from_files, from_memory))
            assert sorted(map(repr, one)) == sorted(map(repr, other)), name


def test_weeks_are_the_same_from_memory_and_from_files(both):
    files, _ = both
    children = known(files)
    urns = {u for (u,) in files.database.rows("SELECT DISTINCT urn FROM register_week LIMIT 2")}
    for start in (files.registers_since, files.registers_since.replace(year=files.registers_since.year - 2)):
        for schools in (None, urns):
            one, other = (
                operations.cohort_weeks(o, Scope.everyone(), start, files.newest, children, schools) for o in both
            )
            assert one.num_rows
            assert one.equals(other)


def test_a_pupil_whom_social_care_does_not_know_is_no_child_of_the_pages(both):
    files, kept = both
    (pupil,) = files.database.rows(
        "SELECT child_id FROM person ANTI JOIN status_period USING (child_id) ANTI JOIN allocation USING (child_id) "
        "ORDER BY 1 LIMIT 1"
    )[0]
    assert operations.child_facts(files, Scope.everyone(), pupil).person["child_id"] == pupil
    with pytest.raises(NotAllowed):
        operations.child_facts(kept, Scope.everyone(), pupil)


def test_a_child_outside_the_scope_is_refused_in_memory_too(both):
    _, kept = both
    one, other = known(kept)[:2]
    with pytest.raises(NotAllowed):
        operations.child_facts(kept, Scope.of([one]), other)
    rows = operations.cohort_weeks(kept, Scope.of([one]), kept.registers_since, kept.newest, [one, other])
    alone = operations.cohort_weeks(kept, Scope.of([one]), kept.registers_since, kept.newest, [one])
    assert rows.equals(alone)


@pytest.mark.parametrize("years_ago", [0, 2])
def test_what_is_asked_once_and_cut_is_what_asking_within_the_scope_gives(both, years_ago):
    """The slow twin: the same questions, asked of the files and of the scope's own children alone."""
    files, kept = both
    on = files.as_at.replace(year=files.as_at.year - years_ago)
    some = known(files)[::3]
    for scope in (Scope.everyone(), Scope.of(some), Scope.everyone_but(some), Scope.of([])):
        within, database = files.within(scope), files.database
        week = operations.week_list(kept, scope, on)
        assert week.equals(alerts.week(database, as_at=on, settings=files.settings, within=within))
        rows = operations.cohort_on(kept, scope, on)
        listed = cohort.status_on(database, on, within=files.within(scope))
        assert rows.select(listed.column_names).equals(listed)
        database.add("listed_alone", listed)
        so_far = measures.absence(
            database, by=("child",), unit="child", start=date(academic_year(on), 8, 1), end=on + timedelta(days=1),
            settings=files.settings, within="listed_alone",
        )  # fmt: skip
        told = {r["child_id"]: r["possible"] for r in so_far.to_pylist()}
        assert {r["child_id"]: r["possible"] for r in rows.to_pylist() if r["possible"]} == told
        assert operations.cohort_summary(kept, scope, on, on - timedelta(weeks=4)) == cohort.summary(
            database, on, on - timedelta(weeks=4), settings=files.settings, within=files.within(scope)
        )
    assert week.num_rows == rows.num_rows == 0, "nobody in scope, nobody listed"
    assert operations.cohort_on(kept, Scope.everyone(), on).num_rows > len(some) / 10
