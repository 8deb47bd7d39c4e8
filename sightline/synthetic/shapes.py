"""The shapes an invented authority is given: published means, and proportions chosen to look like an authority.

Only the means of Tables 53 and 57 are published figures (DfE research report RR1542, August 2025). Everything else
here is a choice: plausible, round, and of no authority.
"""

from __future__ import annotations

from collections.abc import Mapping

NOT_ON_PLAN, CIN, CP = "Not on a plan", "CIN plan", "CP plan"
GROUPS = (NOT_ON_PLAN, CIN, CP)

# Half days in the year the tables speak of: 190 days, the least a maintained school must open.
SESSIONS_IN_YEAR = 380

# Mean sessions missed in a year (overall, boys, girls), by group and academic year: Table 53.
ABSENCE: Mapping[str, Mapping[int, tuple[float, float, float]]] = {
    CIN: {2017: (15.0, 14.9, 15.0), 2018: (15.4, 15.3, 15.5), 2021: (33.4, 31.4, 35.0), 2022: (36.5, 34.1, 38.2)},
    CP: {2017: (24.1, 24.1, 24.1), 2018: (24.5, 24.9, 24.3), 2021: (48.2, 45.4, 50.1), 2022: (51.2, 48.2, 53.1)},
    NOT_ON_PLAN: {
        2017: (10.4, 10.3, 10.4),
        2018: (10.1, 10.1, 10.1),
        2021: (19.8, 19.1, 20.4),
        2022: (18.9, 18.1, 19.6),
    },
}

# Mean sessions missed in a year because of suspension (overall, boys, girls): Table 57.
SUSPENDED: Mapping[str, Mapping[int, tuple[float, float, float]]] = {
    CIN: {2017: (0.09, 0.15, 0.05), 2018: (0.22, 0.31, 0.15), 2021: (0.82, 0.94, 0.72), 2022: (1.32, 1.48, 1.20)},
    CP: {2017: (0.15, 0.22, 0.10), 2018: (0.39, 0.50, 0.32), 2021: (1.34, 1.46, 1.26), 2022: (2.10, 2.20, 2.04)},
    NOT_ON_PLAN: {
        2017: (0.01, 0.02, 0.01),
        2018: (0.03, 0.04, 0.01),
        2021: (0.13, 0.17, 0.09),
        2022: (0.22, 0.28, 0.17),
    },
}


def mean_in_year(shape: Mapping[str, Mapping[int, tuple[float, float, float]]], group: str, year: int) -> float:
    """The group's overall mean in an academic year; a year between two printed years lies between their means.

    Years before the first printed year take the first, years after the last take the last. The invented authority
    knows no closure of schools in 2020 and 2021: those years are ordinary.
    """
    return _between({y: v[0] for y, v in shape[group].items()}, year)


def girls_to_boys(shape: Mapping[str, Mapping[int, tuple[float, float, float]]], group: str, year: int) -> float:
    """How many times the boys' mean the girls' mean is."""
    girls = _between({y: v[2] for y, v in shape[group].items()}, year)
    return girls / _between({y: v[1] for y, v in shape[group].items()}, year)


def _between(means: Mapping[int, float], year: int) -> float:
    years = sorted(means)
    if year <= years[0]:
        return means[years[0]]
    if year >= years[-1]:
        return means[years[-1]]
    before = max(y for y in years if y <= year)
    after = min(y for y in years if y > year)
    return means[before] + (means[after] - means[before]) * (year - before) / (after - before)


# Children ever on a plan in the years invented, as a share of the pupils on roll.
EVER_ON_PLAN = 0.09

# Shares of a year group on roll, Reception to Year 11 being one each.
NURSERY_SHARE, SIXTH_FORM_SHARE = 0.4, 0.25
YEAR_GROUPS_ON_ROLL = 12 + NURSERY_SHARE + 2 * SIXTH_FORM_SHARE

# Movement of pupils in a year: out of the authority (each is followed by somebody moving in), and between its schools.
LEAVES_AUTHORITY, CHANGES_SCHOOL, CHANGES_SCHOOL_ON_PLAN = 0.015, 0.025, 0.09

# Codes of the school census, commonest first, with their shares.
ETHNICITY = {
    "WBRI": 0.68,
    "WOTH": 0.07,
    "APKN": 0.045,
    "AIND": 0.035,
    "BAFR": 0.04,
    "MWBC": 0.016,
    "MWAS": 0.016,
    "MOTH": 0.022,
    "ABAN": 0.017,
    "BCRB": 0.011,
    "AOTH": 0.018,
    "OOTH": 0.012,
    "MWBA": 0.008,
    "BOTH": 0.006,
    "CHNE": 0.004,
    "WIRI": 0.003,
    "WROM": 0.003,
    "NOBT": 0.004,
    "REFU": 0.006,
}
# Languages of the census code set (ENG is English) and the share of pupils whose first language each is.
LANGUAGE = {
    "ENG": 0.8,
    "ENB": 0.01,
    "POL": 0.04,
    "URD": 0.04,
    "RMN": 0.03,
    "ARA": 0.03,
    "BNG": 0.02,
    "OTB": 0.02,
    "NOT": 0.01,
}
SEN_TYPE = {"SEMH": 0.3, "SLCN": 0.25, "MLD": 0.18, "ASD": 0.14, "SPLD": 0.1, "HI": 0.02, "OTH": 0.01}

PRIMARY_NEED = {"N1": 0.55, "N5": 0.13, "N4": 0.09, "N2": 0.08, "N3": 0.05, "N6": 0.05, "N8": 0.04, "N7": 0.01}
REFERRAL_SOURCE = {
    "6": 0.29,
    "2A": 0.18,
    "5A": 0.1,
    "3A": 0.04,
    "3B": 0.04,
    "3E": 0.05,
    "3F": 0.05,
    "1A": 0.06,
    "4": 0.02,
    "5B": 0.05,
    "7": 0.04,
    "8": 0.04,
    "9": 0.02,
    "2B": 0.02,
}
ABUSE_CATEGORY = {"NEG": 0.5, "EMO": 0.36, "PHY": 0.07, "SAB": 0.04, "MUL": 0.03}
FACTOR = {
    "3B": 0.2,
    "4B": 0.18,
    "17A": 0.12,
    "16A": 0.12,
    "2B": 0.1,
    "1B": 0.09,
    "4A": 0.07,
    "18B": 0.04,
    "14A": 0.03,
    "15A": 0.03,
    "5A": 0.02,
}
EXPLOITATION = ("24A", "10A", "11A", "13A")
"""Factors by which assessments of young people tell of exploitation or going missing. None has a published share."""
DISABILITY = {"AUT": 0.35, "LD": 0.25, "CON": 0.12, "BEH": 0.12, "COMM": 0.08, "MOB": 0.08}
SUSPENSION_REASON = {"DB": 0.47, "VA": 0.19, "PP": 0.16, "PA": 0.05, "DM": 0.03, "DA": 0.04, "OW": 0.03, "MT": 0.03}
