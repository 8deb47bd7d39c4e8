"""Tables of known returns and datasets that Sightline does not use: told by what they are, and neither read nor kept.

A sender who exports a whole return sends them along with the tables that are used. Much in them (health, convictions,
placements) is as sensitive as anything an authority holds, so what no page or figure needs is not stored.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from sightline.sources.base import Head
from sightline.sources.marked_up import text_of

# What each table of the looked after children return (SSDA903) tells of, by the columns it alone has.
_SSDA903: Final[tuple[tuple[str, frozenset[str]], ...]] = (
    ("adoption (AD1)", frozenset({"child", "date_int", "date_match"})),
    ("children placed for adoption", frozenset({"child", "date_placed"})),
    ("deprivation of liberty", frozenset({"child", "dolo_start"})),
    ("children who went missing", frozenset({"child", "mis_start"})),
    ("health and offending (OC2)", frozenset({"child", "health_check"})),
    ("care leavers (OC3)", frozenset({"child", "in_touch"})),
    ("previous permanence", frozenset({"child", "prev_perm"})),
    ("reviews of care", frozenset({"child", "review", "review_code"})),
)
# The other tables of the Standard Safeguarding Dataset, by the prefix of their columns.
_SSD: Final[Mapping[str, str]] = {
    "clac_": "ssd_cla_convictions",
    "clah_": "ssd_cla_health",
    "clai_": "ssd_cla_immunisations",
    "clap_": "ssd_cla_placement",
    "clar_": "ssd_cla_reviews",
    "clas_": "ssd_cla_substance_misuse",
    "clav_": "ssd_cla_visits",
    "clea_": "ssd_care_leavers",
    "cinv_": "ssd_cin_visits",
    "cont_": "ssd_contacts",
    "cppv_": "ssd_cp_visits",
    "csdq_": "ssd_sdq_scores",
    "ehca_": "ssd_ehcp_assessment",
    "ehcn_": "ssd_ehcp_named_plan",
    "ehcp_": "ssd_ehcp_active_plans",
    "ehcr_": "ssd_ehcp_requests",
    "fami_": "ssd_family",
    "immi_": "ssd_immigration_status",
    "lacp_": "ssd_cla_care_plan",
    "lapp_": "ssd_cla_previous_permanence",
    "lega_": "ssd_legal_status",
    "miss_": "ssd_missing",
    "moth_": "ssd_mother",
    "perm_": "ssd_permanence",
    "prep_": "ssd_pre_proceedings",
    "s251_": "ssd_s251_finance",
    "send_": "ssd_send",
    "senn_": "ssd_sen_need",
    "voch_": "ssd_voice_of_child",
}
# Tables of the dataset's own, without a prefix: how it picked its children, and its calendar.
_SSD_OWN: Final[tuple[tuple[str, frozenset[str]], ...]] = (
    ("ssd_cohort", frozenset({"has_contact", "has_referral", "has_903"})),
    ("ssd_dim_date", frozenset({"date_key", "fiscal_year_label"})),
    ("ssd_pre_cla_care_plan", frozenset({"fact_form_id", "answer_no"})),
)
_WORKFORCE: Final = re.compile(r"<(?:[\w.-]+:)?Collection(?:\s[^>]*)?>\s*CSWW\s*<|<(?:[\w.-]+:)?CSWWWorker[\s>]")
_NOT_KEPT: Final = "Sightline does not use it, so it was neither read nor kept."


def not_needed(head: Head) -> str:
    """A sentence on what the file is, when it is of a kind that is known and not used; else nothing."""
    names = frozenset(head.header)
    for says, telling in _SSDA903:
        if telling <= names:
            return f"This is the table on {says} of the looked after children return (SSDA903). {_NOT_KEPT}"
    table = _ssd_table(names)
    if table:
        return f"This is {table} of the Standard Safeguarding Dataset. {_NOT_KEPT}"
    census = sorted(name for name in names if name.endswith("orderseqcolumn"))
    if census and {"nativeid", "sourceid"} & names:
        table = census[0].removesuffix("orderseqcolumn")
        return f"This is the table {table[:40]} of the school census. {_NOT_KEPT}"
    if not names and _WORKFORCE.search(text_of(head.start)):
        return f"This is the children's social work workforce census. {_NOT_KEPT}"
    return ""


def _ssd_table(names: Collection[str]) -> str:
    """The table most of whose columns begin with one prefix of the dataset."""
    for table, telling in _SSD_OWN:
        if telling <= set(names):
            return table
    counts = {prefix: sum(name.startswith(prefix) for name in names) for prefix in _SSD}
    prefix, most = max(counts.items(), key=lambda found: found[1])
    return _SSD[prefix] if most >= 2 and 2 * most > len(names) else ""
