"""Three tables that acro 1.0.2 gave away (measured), and that `release` does not."""

import pytest

from sightline.disclosure import HIDDEN, STANDARD, TOTAL, Cell, Released, Result, attack, release


def crosstab() -> Result:
    """Two-level rows (region, authority) by sex, with a margin at every level; cells of 4 and 5."""
    counts = {
        ("North", "A", "F"): 4, ("North", "A", "M"): 26, ("North", "B", "F"): 30, ("North", "B", "M"): 45,
        ("South", "C", "F"): 60, ("South", "C", "M"): 5, ("South", "D", "F"): 40, ("South", "D", "M"): 33,
    }  # fmt: skip

    def count(region: str, authority: str, sex: str) -> Cell:
        wanted = (region, authority, sex)
        inside = (n for k, n in counts.items() if all(w in (TOTAL, v) for w, v in zip(wanted, k, strict=True)))
        return Cell(wanted, sum(inside))

    authorities = {"A": "North", "B": "North", "C": "South", "D": "South"}
    cells = [count(r, a, s) for a, r in authorities.items() for s in ("F", "M", TOTAL)]
    cells += [count(r, TOTAL, s) for r in ("North", "South", TOTAL) for s in ("F", "M", TOTAL)]
    # An authority of another region can only be nought.
    cells += [Cell((r, a, s), 0, structural=True) for a, own in authorities.items()
              for r in ("North", "South") if r != own for s in ("F", "M", TOTAL)]  # fmt: skip
    return Result("crosstab", ("region", "authority", "sex"), tuple(cells))


@pytest.fixture(scope="module")
def released() -> Released:
    found = release(crosstab(), STANDARD)
    assert isinstance(found, Released), found
    return found


def test_two_level_rows_with_margins_hide_small_cells(released):
    """Leak 1: `crosstab` with two-level rows and margins printed 4 and 5 in clear."""
    table = released.tables[0]
    assert table.text("North", "A", "F") == table.text("South", "C", "M") == HIDDEN
    assert not {"4", "5"} & {c.text for c in table.cells}
    assert len([c for c in table.cells if c.text.isdigit() and c.text != "0"]) > 8


def test_a_mean_of_four_pupils_in_a_listed_pivot_is_hidden():
    """Leak 2: `pivot_table` with lists printed a mean of 4 pupils although suppression was on."""
    cells = (
        Cell(("A", "white"), 4, 0.31, "mean"),
        Cell(("A", "black"), 40, 0.22, "mean"),
        Cell(("B", "white"), 60, 0.18, "mean"),
        Cell(("B", "black"), 50, 0.27, "mean"),
    )
    table = release(Result("idaci", ("la", "eth"), cells), STANDARD).tables[0]
    assert table.text("A", "white") == HIDDEN and table.text("A", "black") != HIDDEN


def test_totals_are_the_true_ones_and_give_nothing_away(released):
    """Leak 3: totals were made again without the hidden cells, so a total printed elsewhere gave them by difference."""
    elsewhere = Result("sex", ("sex",), (Cell(("F",), 134), Cell(("M",), 109), Cell((TOTAL,), 243)))
    both = release([crosstab(), elsewhere], STANDARD)
    assert isinstance(both, Released)
    one, other = both.tables
    assert one.text(TOTAL, TOTAL, "F") == other.text("F")
    assert one.text(TOTAL, TOTAL, TOTAL) == other.text(TOTAL) == "240"
    for found in (released, both):
        for low, high in attack(found, unrounded=True).values():
            assert high - low >= STANDARD.threshold * (1 - 1e-6)
