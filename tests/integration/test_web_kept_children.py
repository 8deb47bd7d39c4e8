"""Children kept in memory by a server answer as the files do, and hold nobody whom social care does not know."""

from __future__ import annotations

import pytest

from sightline import operations
from sightline.operations import Home, Scope
from sightline.vocabulary.errors import NotAllowed


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
