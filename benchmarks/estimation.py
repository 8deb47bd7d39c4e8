"""How fast are the estimators at the annex's size? Prints each beside one plain numpy pass over the same matrix.

    python benchmarks/estimation.py [--scale 1.0] [--repeats 3] [--against] [--skip mixed-logit ...]

Sizes at scale 1: 3.5 million pupil-years of a million pupils (engagement), 2.16 million pupils (key stage 2, four
outcomes), 1.88 million (key stage 4, three outcomes), 152 authorities. CPU seconds are the least of the repeats;
"notes" are the CPU seconds of the best row that the project's notes measured for the task on another day, for reading.
"plain" rows are that best row written out and measured in this run (plain_rows.py); the last lines name those of ours
over 1.5 times theirs. `--against` also runs pyfixest, statsmodels and linearmodels where they are installed, on the
same data in the same run.
"""

from __future__ import annotations

import argparse
import importlib.util
import resource
import time
from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import plain_rows
import pyarrow as pa
from annex_data import DID_TERMS, PANEL_TERMS, cross_section, panel, with_products

from sightline import statistics as st

PUPILS, KEY_STAGE_2, KEY_STAGE_4 = 1_000_000, 2_162_410, 1_882_670
KEY = ("post", "cin", "fsm", "female", "ethnicity", "idaci")
SEED = 4101


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--scale", type=float, default=1.0, help="share of the annex's rows (1.0)")
    options.add_argument("--repeats", type=int, default=3, help="runs of each; the least counts (3)")
    options.add_argument("--against", action="store_true", help="also run the other libraries that are installed")
    options.add_argument("--skip", nargs="*", default=[], choices=["engagement", "logit", "mixed", "mixed-logit"])
    chosen = options.parse_args()
    print(f"Scale {chosen.scale:g}, seed {SEED}\n{'':52}{'CPU s':>9}{'wall s':>9}{'x pass':>9}{'notes':>8}")
    run = Run(chosen.repeats, chosen.scale)
    if "engagement" not in chosen.skip:
        engagement(run, int(PUPILS * chosen.scale), chosen.against)
    if "logit" not in chosen.skip:
        attainment(run, int(KEY_STAGE_2 * chosen.scale), chosen.against)
    scores(run, int(KEY_STAGE_4 * chosen.scale), "mixed" not in chosen.skip)
    if "mixed-logit" not in chosen.skip:
        mixed_logit(run, int(KEY_STAGE_2 * chosen.scale))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rest = run.total - run.apart
    slow = {name: ratio for name, ratio in run.ratios.items() if ratio > 1.5}
    if chosen.against:
        absent = [name for name in ("pyfixest", "linearmodels", "statsmodels") if not importlib.util.find_spec(name)]
        print(f"\nNot run, because not installed: {', '.join(absent) or 'none'}")
    print(f"\nBeyond 1.5 times its plain row: {slow or 'none'}")
    print(f"Fitting, in all: {run.total:.1f} CPU s (mixed logit apart: {rest:.1f}); peak {peak:,.0f} MB")


class Run:
    """Times functions and prints a line each, beside the plain pass last set."""

    def __init__(self, repeats: int, scale: float) -> None:
        self.repeats, self.scale = repeats, scale
        self.unit, self.total, self.apart, self.last = 1.0, 0.0, 0.0, 0.0
        self.ratios: dict[str, float] = {}

    def plain(self, matrix: np.ndarray[Any, Any]) -> None:
        """One pass over the matrix: its sum."""
        cpu, wall, _ = self._least(matrix.sum, 5)
        self.unit = cpu
        rows, columns = matrix.shape
        says = f"One pass over {rows:,} x {columns} ({matrix.nbytes / 1e6:,.0f} MB)"
        print(f"\n{says:52}{cpu:9.3f}{wall:9.3f}{1.0:9.1f}")

    def __call__(
        self, says: str, work: Callable[[], Any], notes: str = "", *, ours: bool = True, times: int = 0
    ) -> Any:
        cpu, wall, answer = self._least(work, times or self.repeats)
        if ours:
            self.total += cpu
        self.last = cpu
        print(f"{says:52}{cpu:9.3f}{wall:9.3f}{cpu / self.unit:9.1f}{notes:>8}", flush=True)
        return answer

    def beside(self, says: str, ours: float, plain: Callable[[], Any], same: Callable[[Any], float]) -> None:
        """The plain row of the model just run, how ours compares, and how far the answers are apart."""
        cpu, wall, answer = self._least(plain, self.repeats)
        print(
            f"  plain: {says:43}{cpu:9.3f}{wall:9.3f}{cpu / self.unit:9.1f}   ours {ours / cpu:.2f} times; "
            f"apart by {same(answer):.0e}",
            flush=True,
        )
        self.ratios[says] = ours / cpu

    def _least(self, work: Callable[[], Any], times: int) -> tuple[float, float, Any]:
        best = (np.inf, np.inf)
        for _ in range(times):
            cpu, wall = time.process_time(), time.perf_counter()
            answer = work()
            best = min(best, (time.process_time() - cpu, time.perf_counter() - wall))
        return (*best, answer)


def engagement(run: Run, pupils: int, against: bool) -> None:
    data = panel(pupils, np.random.default_rng(SEED))
    x, pupil = {name: data[name] for name in PANEL_TERMS}, data["pupil"]
    matrix = np.array([data["absence"], *x.values()], dtype=float).T.copy()
    run.plain(matrix)
    fit = run("Pupil fixed effects, clustered by pupil", lambda: st.within(data["absence"], x, pupil), "0.79")
    columns = matrix[:, 1:]

    def apart(estimates: st.Estimates) -> Callable[[Any], float]:
        at = [estimates.names.index(name) for name in PANEL_TERMS]
        return lambda answer: float(np.abs(estimates.values[at] / answer[0] - 1).max())

    run.beside(
        "numpy, sorted pupils", run.last, lambda: plain_rows.within(matrix[:, 0], columns, pupil), apart(fit.estimates)
    )
    run("  conventional", lambda: st.within(data["absence"], x, pupil, errors="conventional"))
    both = {"pupil": pupil, "authority": data["authority"]}
    run("  two ways, pupil and authority", lambda: st.within(data["absence"], x, pupil, clusters=both))
    shuffled = np.random.default_rng(1).permutation(len(pupil))
    mixed_up = {name: values[shuffled] for name, values in x.items()}
    y = data["absence"][shuffled]
    run("  rows in any order (sorted first)", lambda: st.within(y, mixed_up, pupil[shuffled]))
    run("Linear probability, clustered by pupil", lambda: st.within(data["persistent"], x, pupil), "2.7")
    for word, name, notes in (("sessions", "sessions", "5.6"), ("suspensions", "suspended", "1.2")):
        counted = np.asarray(data[name], dtype=float)
        found = run(f"Poisson fixed effects, {word}", lambda c=counted: st.poisson_within(c, x, pupil), notes)
        run.beside(
            f"numpy, Newton, {word}",
            run.last,
            lambda c=counted: plain_rows.poisson(c, columns, pupil),
            apart(found.estimates),
        )
    yes = np.asarray(data["persistent"], dtype=float)
    found = run("Conditional logit", lambda: st.conditional_logit(yes, x, pupil), "2.7")
    run.beside(
        "numpy, arrangements listed",
        run.last,
        lambda: plain_rows.conditional_logit(yes, columns, pupil),
        apart(found.estimates),
    )
    some = pupil < pupils * 0.08
    held = {name: values[some] for name, values in x.items()}
    cross = st.within_cross_products({"absence": data["absence"][some]}, held, pupil[some])
    rng = np.random.default_rng(2)
    run(
        f"Cluster bootstrap, 500 draws of {len(cross.n):,} pupils",
        lambda: st.cluster_bootstrap(cross, draws=500, rng=rng),
        "2.3",
    )
    if against:
        others_on_panel(run, data, x, fit)


def others_on_panel(run: Run, data: dict[str, Any], x: dict[str, Any], fit: st.WithinFit) -> None:
    import pandas as pd

    frame = pd.DataFrame({name: np.asarray(data[name], dtype=float) for name in (*PANEL_TERMS, "absence", "sessions")})
    frame["pupil"] = data["pupil"]
    formula = " + ".join(PANEL_TERMS)
    if importlib.util.find_spec("pyfixest"):
        import pyfixest as pf

        def feols() -> Any:
            return pf.feols(f"absence ~ {formula} | pupil", frame, vcov={"CRV1": "pupil"}, fixef_rm="none")

        theirs = run("    pyfixest feols", feols, ours=False, times=1)
        gap = max(abs(theirs.se()[name] / fit.estimates[name].se - 1) for name in PANEL_TERMS)
        print(f"    largest relative difference of a standard error: {gap:.1e}")
        poisson = f"sessions ~ {formula} | pupil"
        run("    pyfixest fepois", lambda: pf.fepois(poisson, frame, vcov={"CRV1": "pupil"}), ours=False, times=1)
    if importlib.util.find_spec("linearmodels"):
        from linearmodels.panel import PanelOLS

        frame["row"] = frame.groupby("pupil").cumcount()
        indexed = frame.set_index(["pupil", "row"])

        def panel_ols() -> Any:
            model = PanelOLS(indexed["absence"], indexed[list(PANEL_TERMS)], entity_effects=True)
            return model.fit(cov_type="clustered", cluster_entity=True)

        run("    linearmodels PanelOLS", panel_ols, ours=False, times=1)


def grouped(data: dict[str, Any], outcomes: list[str], keys: tuple[str, ...], cluster: str | None = None) -> Any:
    """The database's group-by of the raw columns, as it would come from Parquet."""
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    connection.register("pupils", pa.table(data))
    return connection.execute(st.grouping_sql("pupils", outcomes, keys, cluster=cluster)).fetchnumpy()


def did_cells(found: Any, outcome: str, keys: tuple[str, ...] = KEY) -> st.Cells:
    """Cells of the key, with ethnicity as columns and products made on the cells."""
    cells = st.cells_from(found, outcome, keys)
    return st.Cells(with_products(dict(cells.regressors)), cells.n, cells.total, cells.squares, cells.cluster)


def attainment(run: Run, pupils: int, against: bool) -> None:
    data = cross_section(pupils, 4, np.random.default_rng(SEED + 1))
    outcomes = [f"reading{i}" for i in range(4)]
    rows = with_products(data)
    run.plain(np.array([*rows.values(), np.ones(pupils)]).T.copy())

    def logits() -> Any:
        found = grouped(data, outcomes, KEY)
        answers = []
        for outcome in outcomes:
            cells = did_cells(found, outcome)
            fit = st.logit(cells)
            answers.append((fit, st.marginal_effects(fit, cells)))
        return answers

    answers = run("Group, logit and dy/dx, four outcomes", logits, "1.1")
    run.beside(
        "DuckDB groups, Newton, dy/dx",
        run.last,
        lambda: plain_rows.did_logit(data, outcomes, KEY, with_products),
        lambda found: float(np.abs(answers[0][1].values / found[0][0][:-1] - 1).max()),
    )
    cells = did_cells(grouped(data, outcomes, KEY), "reading0")
    fit = answers[0][0]
    off = ("cin_post", "cin_fsm_post")
    run(
        "  effect on the treated, one outcome",
        lambda: st.effect_on_treated(fit, cells, treated=("cin", "post"), off=off),
    )
    run("  linear probability version, one outcome", lambda: st.linear_probability(cells))
    print(f"  {len(cells.n):,} cells of {pupils:,} rows")
    single = st.rows_as_cells(data["reading0"], rows)
    run("Logit and dy/dx on rows, one outcome", lambda: st.marginal_effects(st.logit(single), single), "4.7", times=1)
    if against and importlib.util.find_spec("statsmodels"):
        import statsmodels.api as sm

        matrix = np.column_stack([*rows.values(), np.ones(pupils)])
        outcome = np.asarray(data["reading0"], dtype=float)
        model = run(
            "    statsmodels Logit, one outcome", lambda: sm.Logit(outcome, matrix).fit(disp=0), ours=False, times=1
        )
        gap = max(abs(np.asarray(model.bse) / fit.estimates.se - 1))
        print(f"    largest relative difference of a standard error: {gap:.1e}")


def scores(run: Run, pupils: int, multilevel: bool) -> None:
    data = cross_section(pupils, 3, np.random.default_rng(SEED + 2))
    outcomes = [f"score{i}" for i in range(3)]
    rows = with_products(data)
    run.plain(np.array([*rows.values(), np.ones(pupils)]).T.copy())

    def least_squares() -> Any:
        found = grouped(data, outcomes, KEY)
        return [st.ols(did_cells(found, outcome)) for outcome in outcomes]

    fits = run("Group and least squares, HC1, three outcomes", least_squares, "0.50")
    run.beside(
        "DuckDB groups, normal equations, HC1",
        run.last,
        lambda: plain_rows.least_squares(data, outcomes, KEY, with_products),
        lambda found: float(np.abs(fits[0].estimates.values / found[0][0] - 1).max()),
    )
    if not multilevel:
        return

    def fitted() -> Any:
        cross = st.cross_products({"score": data["score0"]}, rows, data["authority"])
        return st.mixed(cross, "score", random=("constant", "cin_post"))

    mixed = run("Mixed model by authority, intercept and slope, REML", fitted, "0.6")
    whole, slope = np.column_stack([*rows.values(), np.ones(pupils)]), list(rows).index("cin_post")
    place = np.asarray(data["authority"])
    run.beside(
        "numpy, a matrix for each authority",
        run.last,
        lambda: plain_rows.mixed(np.asarray(data["score0"]), whole, place, (whole.shape[1] - 1, slope)),
        lambda found: float(np.abs(mixed.estimates.values / found[0] - 1).max()),
    )
    cross = st.cross_products({"score": data["score0"]}, rows, data["authority"])
    run("  from its cross-products", lambda: st.mixed(cross, "score", random=("constant", "cin_post")), "0.2")
    optional = [name for name in DID_TERMS if name not in ("post", "cin", "cin_post")][:10]

    def curve() -> Any:
        return st.specification_curve(cross, "score", "cin_post", optional=optional)

    run("Specification curve, 1,024 fits", curve, "0.03")
    rng = np.random.default_rng(3)
    run(
        "Wild bootstrap by authority, 999 draws",
        lambda: st.wild_bootstrap(cross, "score", "cin_post", draws=999, rng=rng),
    )


def mixed_logit(run: Run, pupils: int) -> None:
    data = cross_section(pupils, 1, np.random.default_rng(SEED + 3))
    data["idaci2"] = np.round(data["idaci"], 2)
    keys = ("post", "cin", "fsm", "female", "ethnicity", "idaci2")
    found = grouped(data, ["reading0"], keys, cluster="authority")
    plain = st.cells_from(found, "reading0", keys)
    columns = dict(plain.regressors) | {"idaci": plain.regressors["idaci2"]}
    cells = st.Cells(with_products(columns), plain.n, plain.total, plain.squares, plain.cluster)
    run.plain(cells.matrix().T.copy())
    before = run.total
    says = f"Mixed logit, intercept and slope, {len(cells.n):,} cells"
    fit = run(says, lambda: st.mixed_logit(cells, random=("constant", "cin_post")), "261", times=1)
    run.apart = run.total - before
    spread = np.sqrt(np.diag(fit.variances)).round(3)
    print(f"  standard deviations {spread} (planted 0.3 and 0.2), slope left {fit.gradient:.1e}")


if __name__ == "__main__":
    main()
