"""Text into typed tables: what is read, what is refused, and what is said of it."""

from datetime import date

import pyarrow as pa
import pytest

from sightline.sources.conform import conform


def referrals(**columns):
    rows = len(next(iter(columns.values())))
    texts = {name: pa.array(values, pa.string()) for name, values in columns.items()}
    return pa.table({"child_ref": [f"c{n}" for n in range(rows)]} | texts | {"line": range(10, 10 + rows)})


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-09-02", date(2024, 9, 2)),
        (" 2024-09-02\u00a0", date(2024, 9, 2)),
        ("02/09/2024", date(2024, 9, 2)),
        ("2-Sep-2024", date(2024, 9, 2)),
        ("2024-09-02T10:11:12Z", date(2024, 9, 2)),
        ("2024-09-02 10:11:12.500", date(2024, 9, 2)),
        ("20240902", date(2024, 9, 2)),
        ("2024-09-02+01:00", date(2024, 9, 2)),  # a day of XML; its zone moves it nowhere
        ("2024-09-02Z", date(2024, 9, 2)),
        ("2024-09-02T00:00:00+01:00", date(2024, 9, 2)),
        ("2.9.2024", date(2024, 9, 2)),
        ("2 September 2024", date(2024, 9, 2)),
        ("Sep  2 2024 12:00AM", date(2024, 9, 2)),  # as SQL Server makes text of a day
        ("1900-01-01", None),  # how some systems write that there is no date
        ("", None),
        ("  ", None),
    ],
)
def test_dates_are_read(text, day):
    findings = []
    table = conform(referrals(referral_date=[text]), "referral", findings=findings)
    assert table["referral_date"].to_pylist() == [day]
    assert findings == []


@pytest.mark.parametrize("text", ["01/13/2012", "02/13/24", "2024-02-30", "0024-01-01", "soon", "45536", "2200-01-01"])
def test_what_is_not_a_date_is_left_out_and_told(text):
    findings = []
    table = conform(referrals(referral_date=["2024-09-02", text]), "referral", findings=findings)
    assert table["referral_date"].to_pylist() == [date(2024, 9, 2), None]
    (finding,) = findings
    assert (finding.rule, finding.record, finding.field, finding.value, finding.line) == (
        "not-a-date",
        "c1",
        "referral_date",
        text,
        11,
    )


@pytest.mark.parametrize(
    ("text", "number"), [("3", 3), ("3.0", 3), ("1e1", 10), ("-2", -2), ("3.5", None), ("0x10", None), ("many", None)]
)
def test_whole_numbers(text, number):
    findings = []
    table = conform(referrals(previous_plans=[text]), "cp_plan", findings=findings)
    assert table["previous_plans"].to_pylist() == [number]
    assert [f.rule for f in findings] == ([] if number is not None else ["not-a-number"])


@pytest.mark.parametrize(
    ("text", "flag"), [("1", True), ("TRUE", True), ("y", True), ("0", False), ("False", False), ("perhaps", None)]
)
def test_flags(text, flag):
    findings = []
    table = conform(referrals(no_further_action=[text]), "referral", findings=findings)
    assert table["no_further_action"].to_pylist() == [flag]
    assert [f.rule for f in findings] == ([] if flag is not None else ["not-a-flag"])


def test_codes_are_judged_at_the_day_and_kept():
    """5D (early help) is a source of referral from the collection ending 2023."""
    findings = []
    rows = referrals(referral_source=["5D"])
    conform(rows, "referral", findings=findings, on=date(2023, 3, 31))
    assert findings == []
    table = conform(rows, "referral", findings=findings, on=date(2022, 3, 31))
    assert table["referral_source"].to_pylist() == ["5D"]
    assert [f.rule for f in findings] == ["unknown-code"]


def test_a_row_without_what_it_must_have_is_left_out_and_told():
    findings = []
    rows = referrals(referral_ref=["1", "2"]).set_column(0, "child_ref", pa.array(["a", " "]))
    table = conform(rows, "referral", findings=findings)
    assert table["child_ref"].to_pylist() == ["a"]
    assert [(f.rule, f.field, f.line) for f in findings] == [("missing-value", "child_ref", 11)]


def test_without_a_column_it_must_have_no_row_is_used():
    findings = []
    table = conform(referrals(referral_ref=["1"]).drop_columns(["child_ref"]), "referral", findings=findings)
    assert table.num_rows == 0
    assert [f.rule for f in findings] == ["missing-column"]


def test_a_thousand_faults_are_listed_and_the_rest_counted():
    findings = []
    conform(referrals(referral_date=["soon"] * 1500), "referral", findings=findings)
    assert len(findings) == 1001
    assert "500 more rows" in findings[-1].says


def test_no_rows_and_columns_of_no_type():
    findings = []
    table = conform(
        pa.table({"child_ref": pa.nulls(0), "line": pa.array([], pa.int64())}), "referral", findings=findings
    )
    assert table.num_rows == 0
    table = conform(
        pa.table({"child_ref": ["a"], "referral_date": pa.nulls(1), "line": [1]}), "referral", findings=findings
    )
    assert table["referral_date"].to_pylist() == [None]
    assert findings == []
