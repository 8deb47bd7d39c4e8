"""How many: the cohort sliced, compared, broken down and put in packs, for those within and for what leaves."""
