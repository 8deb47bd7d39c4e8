"""The published data sets and the small annex-shaped sample, as columns."""

import csv
from pathlib import Path

import numpy as np

PANEL_TERMS = ("months_post", "months_pre", "post", "age", "fsm", "idaci")
PRODUCTS = {
    "fsm_post": ("fsm", "post"),
    "cin_post": ("cin", "post"),
    "cin_fsm": ("cin", "fsm"),
    "cin_fsm_post": ("cin", "fsm", "post"),
    "idaci_post": ("idaci", "post"),
    "female_post": ("female", "post"),
}
DID_TERMS = (
    *("post", "cin", "fsm", "fsm_post", "cin_post", "cin_fsm", "cin_fsm_post", "idaci", "idaci_post", "female"),
    *("female_post", "eth1", "eth2", "eth3", "eth4", "eth5"),
)


def columns(path: Path) -> dict[str, np.ndarray]:
    """Every column of a CSV file as floating-point numbers; an empty field is not a number."""
    with path.open(newline="", encoding="utf-8") as handle:
        header, *rows = csv.reader(handle)
    cells = [[float(cell) if cell not in ("", "NA") else np.nan for cell in row] for row in rows]
    return dict(zip(header, np.array(cells).T, strict=True))


def did_columns(path: Path) -> dict[str, np.ndarray]:
    """The difference-in-differences sample with ethnicity as columns and products made by hand."""
    data = columns(path)
    for group in range(1, 6):
        data[f"eth{group}"] = (data["eth"] == group).astype(float)
    for name, factors in PRODUCTS.items():
        data[name] = np.prod([data[factor] for factor in factors], axis=0)
    return data


def chosen(data: dict[str, np.ndarray], names: tuple[str, ...]) -> dict[str, np.ndarray]:
    return {name: data[name] for name in names}
