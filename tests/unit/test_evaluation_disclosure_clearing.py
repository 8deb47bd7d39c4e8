"""A study's tables through disclosure control: what is small is hidden, with what would give it away, in every cell."""

from dataclasses import dataclass

import pytest

from sightline.evaluation import Study
from sightline.evaluation.result import Builder, Left
from sightline.operations.study.clearing import clear, policy_of, scrubbed
from sightline.vocabulary.errors import BadSetting


@dataclass(frozen=True)
class Asked:
    """What clearing needs of a job: its run, its table and its chapter."""

    id: str
    send: str = "without"


def cleared(*tables, study=None, sends=()):
    sends = sends or ("without",) * len(tables)
    made = [(Asked(t.id, send), t) for t, send in zip(tables, sends, strict=True)]
    return clear(study or Study.from_toml("[groups]\nleast = 10"), made)


def only(found):
    return found.tables[0][1]


def means(boys, girls, group="CIN plan", table_id="table-53"):
    """One year of a group by sex."""
    b = Builder()
    for sex, n in (("overall", boys + girls), ("boys", boys), ("girls", girls)):
        b.put("2017/18", f"{group}, {sex}", mean=14.987654, se=0.2, N=n)
    b.put("Change from 2017/18 to 2022/23 (%)", f"{group}, overall", percent=60.123456)
    b.put("Change from 2017/18 to 2022/23 (%)", f"{group}, boys", percent=50.0)
    return b.table(table_id, "Means", sample="", printed=53)


def model(table_id, n, *, df, printed=0, column="at least 2 of the 4 years", b=None):
    b = b or Builder()
    b.put("Months", column, estimate=-0.451234567, se=0.0491234567, stars="***", p=0.000123456, low=-0.55, high=-0.35)
    b.put("N", column, N=n)
    b.put("Pupil-years", column, N=3 * n + 1)
    b.put("Degrees of freedom", column, df=df)
    return b.table(table_id, "Models", sample="", printed=printed)


def test_numbers_are_rounded_and_estimates_kept_to_four_digits():
    t = only(cleared(model("any", 1234, df=1233.0)))
    c = "at least 2 of the 4 years"
    assert t.value("N", c, "N") == 1230
    assert t.value("Pupil-years", c, "N") == 3700
    assert t.value("Months", c) == -0.4512
    assert t.value("Months", c, "p") == 0.0001235
    assert t.value("Months", c, "stars") == "***"
    # G - 1 would tell the number of pupils to the last digit.
    assert t.value("Degrees of freedom", c, "df") == 1230


def test_a_small_sex_is_hidden_and_another_with_it_so_that_it_cannot_be_subtracted():
    t = only(cleared(means(4, 300)))
    shown = {sex: t.value("2017/18", f"CIN plan, {sex}", "N") for sex in ("overall", "boys", "girls")}
    assert shown["boys"] == "c" and list(shown.values()).count("c") >= 2
    assert t.value("2017/18", "CIN plan, boys", "mean") == "c"
    assert t.value("2017/18", "CIN plan, boys", "se") == "c"
    hidden = [sex for sex in shown if shown[sex] == "c"]
    assert all(t.value("2017/18", f"CIN plan, {sex}", "mean") == "c" for sex in hidden)


def test_a_change_is_hidden_with_the_means_it_comes_from():
    t = only(cleared(means(4, 300)))
    assert t.value("Change from 2017/18 to 2022/23 (%)", "CIN plan, boys", "percent") == "c"


def test_a_change_says_no_more_than_the_two_means_as_they_are_printed():
    """Means of few children are printed in wide steps; the exact change would tell one from the other."""
    b = Builder()
    for year, mean in (("2017/18", 24.12), ("2022/23", 51.37)):
        b.put(year, "CP plan, overall", mean=mean, se=1.234, N=150)
    row = "Change from 2017/18 to 2022/23 (%)"
    b.put(row, "CP plan, overall", percent=112.976)
    found = cleared(b.table("table-53", "Means", sample="", printed=53))
    t = only(found)
    first, last = (t.value(year, "CP plan, overall", "mean") for year in ("2017/18", "2022/23"))
    assert (first, last) == (24.0, 50.0)
    assert t.value(row, "CP plan, overall", "percent") == round(100 * (last - first) / first, 1) == 108.3
    assert all("112" not in c.text and "113" not in c.text for r in found.released.tables for c in r.cells)


def test_the_error_of_a_share_is_not_printed_because_it_tells_the_children_it_is_of():
    """From 4 digits of the error of 207 in 284 the two numbers can be told, whatever the share is rounded to."""
    b = Builder()
    n, k = 284, 207
    share = k / n
    b.put("% Eligible for FSM", "CP plan", percent=100 * share, se=100 * (share * (1 - share) / (n - 1)) ** 0.5)
    b.put("N", "CP plan", N=n)
    found = cleared(b.table("table-61", "Summary", sample="", printed=61))
    t = only(found)
    assert t.value("% Eligible for FSM", "CP plan", "se") == "c"
    assert t.value("% Eligible for FSM", "CP plan", "percent") == 72.0
    assert not any("2.6" in c.text for r in found.released.tables for c in r.cells)


def test_the_checker_s_tables_hide_whatever_the_study_s_tables_hide():
    """A column with few pupils hides its model; that of a sound one beside it stays, in both."""
    b = Builder()
    model("any", 5000, df=4999.0, column="fine", b=b)
    b.put("Authority: 101", "fine", estimate=0.5, se=0.1, N=4)
    b.put("Authority: 102", "fine", estimate=0.5, se=0.1, N=40)
    found = cleared(model("any", 9, df=900.0, column="few", b=b))
    t = only(found)
    shown = {c.value for c in t.cells if isinstance(c.value, int | float)}
    told = [c.text for r in found.released.tables for c in r.cells if c.text != "c"]
    assert {float(text) for text in told} <= {float(v) for v in shown}
    hidden = {(c.row, c.column) for c in t.cells if c.value == "c"}
    assert ("Authority: 101", "fine") in hidden
    assert all(c.text == "c" for r in found.released.tables for c in r.cells if c.key in hidden)


def test_sentences_of_estimators_tell_neither_small_numbers_nor_what_all_of_some_children_have():
    b = Builder()
    model("any", 5000, df=4999.0, b=b)
    b.refuse("one", "No pupil carries information: 8 with one row only, 52 with never the outcome.")
    b.refuse("two", "Subject to a CP plan = 1 always has outcome 0. Leave the term out.")
    b.refuse("three", "The outcome is always one.")
    b.refuse("four", "3 pupils, fewer than the 48 the study asks for, at least 2 of the 4 years, Key Stage 1, 2017/18")
    b.left.append(Left("", "rows", "CP plan", 23, "Subject to a CP plan = 1 always has outcome 1"))
    t = only(cleared(b.table("any", "Models", sample="")))
    assert dict(t.refused) == {
        "one": "No pupil carries information: fewer than 10 with one row only, 50 with never the outcome.",
        "two": "Subject to a CP plan tells the outcome for certain. Leave the term out.",
        "three": "The outcome does not vary.",
        "four": "fewer than 10 pupils, fewer than the 48 the study asks for, at least 2 of the 4 years, Key Stage 1, "
        "2017/18",
    }
    assert t.left[0].why == "Subject to a CP plan tells the outcome for certain"


def test_a_model_with_few_degrees_of_freedom_or_pupils_is_hidden_whole():
    for n, df in ((1000, 7.0), (9, 900.0)):
        b = Builder()
        model("any", 5000, df=4999.0, column="fine", b=b)
        t = only(cleared(model("any", n, df=df, column="few", b=b)))
        assert {t.value("Months", "few", s) for s in ("estimate", "se", "low", "high", "p")} == {"c"}
        assert t.value("Months", "few", "stars") == ""
        assert t.value("Months", "fine") == -0.4512


def test_groups_below_the_study_s_least_are_hidden():
    study = Study.from_toml("[groups]\nleast = 1000")
    b = Builder()
    for group, n in (("CIN plan", 4000), ("CP plan", 740)):
        b.put("% Female", group, percent=55.5555)
        b.put("N", group, N=n)
    t = only(cleared(b.table("table-61", "Summary", sample="", printed=61), study=study))
    assert t.value("N", "CIN plan", "N") == 4000 and t.value("% Female", "CIN plan", "percent") == 55.6
    assert t.value("N", "CP plan", "N") == "c" and t.value("% Female", "CP plan", "percent") == "c"


def test_nested_samples_that_differ_by_few_children_are_kept_back_with_the_reason():
    b = Builder()
    for years, n in ((2, 5000), (3, 4996)):
        model("x", n, df=n - 1.0, column=f"at least {years} of the 4 years", b=b)
    table = b.table("table-55", "Models", sample="", printed=55)
    found = cleared(table)
    assert not found.tables
    assert found.kept_back[0].table == "table-55" and "difference" in found.kept_back[0].reason
    study = Study.from_toml('[groups]\nleast = 10\n[disclosure]\nleave_out = ["table-55: at least 3 of the 4 years"]')
    t = only(cleared(table, study=study))
    assert t.columns == ("at least 2 of the 4 years",) and t.value("N", t.columns[0], "N") == 5000


def test_runs_by_send_are_one_set():
    """All children less those without SEND are those with: a small number of these must not be told by difference."""
    one = model("table-55", 4997, df=4996.0, printed=55)
    every = model("table-55-all-children", 5000, df=4999.0, printed=55)
    found = cleared(one, every, sends=("without", "all"))
    assert not found.tables or any(t.value("N", t.columns[0], "N") == "c" for _, t in found.tables)


def test_a_share_near_all_or_none_is_hidden():
    b = Builder()
    b.put("Share reaching", "Reading", percent=99.9)
    b.put("Other", "Reading", percent=50.0)
    b.put("N", "Reading", N=2000)
    t = only(cleared(b.table("any", "Shares", sample="")))
    assert t.value("Share reaching", "Reading", "percent") == "c"
    assert t.value("Other", "Reading", "percent") == 50.0


def test_what_no_number_of_pupils_stands_behind_is_hidden_and_said():
    b = Builder()
    b.put("Months", "one", estimate=0.5, se=0.1)
    model("any", 5000, df=4999.0, column="two", b=b)
    b.put("Months", "three", estimate=0.5, se=0.1)
    found = cleared(b.table("any", "Models", sample=""))
    assert only(found).value("Months", "one") == "c"
    assert any(k.table == "any (in part)" and "row N" in k.next_step for k in found.kept_back)


def test_sentences_and_what_was_left_out_tell_no_small_number():
    b = Builder()
    model("any", 5000, df=4999.0, b=b)
    b.refuse("all 4 years", "743 pupils, fewer than the 1,000 the study asks for")
    b.left += [Left("", "rows", "age", 3, "missing value"), Left("", "pupils", "", 1_234, "pupils with a plan")]
    t = only(cleared(b.table("any", "Models", sample="", notes=("Observations: 12,345 pupil-years. Puhani (2012).",))))
    assert dict(t.refused)["all 4 years"] == "740 pupils, fewer than the 1,000 the study asks for"
    assert [x.count for x in t.left] == ["c", 1230]
    assert t.notes[0] == "Observations: 12,350 pupil-years. Puhani (2012)."
    assert scrubbed("3 pupils", policy_of(Study())) == "fewer than 10 pupils"


def test_every_figure_released_has_passed_a_rule():
    """No number of the exact table of pupils under the threshold is left in any cell."""
    found = cleared(means(7, 40), model("any", 5000, df=4999.0))
    for _, t in found.tables:
        for c in t.cells:
            if c.statistic in ("N", "count") and c.value != "c":
                assert c.value % 10 == 0 and c.value >= 10


def test_rules_are_settings_and_an_unknown_one_is_refused():
    assert policy_of(Study()).group_minimum == 1000
    assert policy_of(Study.from_toml("[disclosure]\nthreshold = 20")).threshold == 20
    with pytest.raises(BadSetting, match="no setting of \\[disclosure\\]"):
        policy_of(Study.from_toml("[disclosure]\nthreshhold = 20"))
    fine = cleared(model("any", 5000, df=4999.0), study=Study.from_toml("[disclosure]\nrounding = 1"))
    assert any("a person must look for small differences" in note for note in fine.released.notes)
    assert not any("a person" in note for note in cleared(model("any", 5000, df=4999.0)).released.notes)
    with pytest.raises(BadSetting, match="threshold"):
        policy_of(Study.from_toml("[disclosure]\nthreshold = 0"))
