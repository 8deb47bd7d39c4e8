"""The invented authority's own localities, over its invented postcodes; nothing of them is drawn by chance."""

from __future__ import annotations

import pyarrow as pa

from sightline.engine import arrow_schema
from sightline.sources.base import Reading
from sightline.sources.localities import KIND, SYSTEM
from sightline.synthetic.names import POSTCODE_AREA, places

# Far from the places where the invented schools are: a locality is not a town with schools.
NAMES = tuple(places()[n] for n in (877, 838, 799, 764, 731))


def locality_model() -> Reading:
    """Five localities by postcode district, with three sectors and one street apart.

    A corner of the last is in none, as some children live outside their authority.
    """
    areas = [(f"{POSTCODE_AREA}{n}", "district", NAMES[(n - 1) // 2]) for n in range(1, 9)]
    areas += [(f"{POSTCODE_AREA}4 {n}", "sector", NAMES[2]) for n in range(7, 10)]
    areas += [(f"{POSTCODE_AREA}9 {n}", "sector", NAMES[4]) for n in range(9)]
    areas.append((f"{POSTCODE_AREA}6 5AB", "postcode", NAMES[3]))
    rows = [
        {"area": area, "kind": kind, "locality": locality, "line": line}
        for line, (area, kind, locality) in enumerate(areas, start=2)
    ]
    table = pa.Table.from_pylist(rows, schema=arrow_schema("locality_area"))
    return Reading(KIND, SYSTEM, "", "locality model", tables={"locality_area": table})
