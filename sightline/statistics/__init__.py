"""Arrays in, small frozen records out: intervals, regressions, resampling. Nothing here knows of children or files.

Every function names the formula it uses. A fit says what it left out (`dropped`) and why; data that cannot answer raise
CannotEstimate with one sentence and the columns at fault. Regressors are a mapping from name to column; the constant is
added by the function and is the last term. Random numbers come from a generator passed in.
"""

from sightline.statistics.cells import Cells, cells_from, group_rows, grouping_sql, rows_as_cells, with_unit_means
from sightline.statistics.composition import Composition, composition
from sightline.statistics.conditional_logit import conditional_logit
from sightline.statistics.event import (
    Bounds,
    EventStudy,
    GroupTime,
    PreTrend,
    event_study,
    expected_bias_after_passing,
    group_time_effects,
    pre_trend,
    relative_magnitude_bounds,
    smooth_trend_bounds,
)
from sightline.statistics.logit import LogitFit, certain_levels, logit, undecided
from sightline.statistics.margins import contrast, cross_difference, effect_on_treated, marginal_effects, switching
from sightline.statistics.means import (
    Difference,
    Paired,
    Proportion,
    SignedRank,
    difference_in_differences,
    difference_in_means,
    difference_in_proportions,
    mean,
    paired_t,
    percentage_change,
    signed_rank,
    wilson,
)
from sightline.statistics.mixed import SINGULAR, MixedFit, RandomTest, mixed, one_more_variance, random_term_test
from sightline.statistics.mixed_logit import MixedLogitFit, mixed_logit
from sightline.statistics.multiple import benjamini_hochberg, holm, romano_wolf
from sightline.statistics.ols import (
    CrossProducts,
    OlsFit,
    cells_cross_products,
    cross_products,
    linear_probability,
    ols,
)
from sightline.statistics.poisson import PanelFit, poisson_within
from sightline.statistics.pooled import Pooled, pooled
from sightline.statistics.power import (
    Equivalence,
    equivalence,
    minimum_detectable_effect,
    power,
    standard_error_of_difference,
)
from sightline.statistics.records import CONSTANT, CannotEstimate, Dropped, Estimate, Estimates, Wald, stars
from sightline.statistics.resampling import (
    Bootstrap,
    Resampled,
    cluster_bootstrap,
    permuted,
    random_subsets,
    randomisation_test,
    shuffled_differences,
    wild_bootstrap,
    wild_score_bootstrap,
    within_cross_products,
)
from sightline.statistics.sensitivity import (
    Oster,
    Robustness,
    Specifications,
    oster,
    robustness_value,
    specification_curve,
)
from sightline.statistics.series import Interrupted, interrupted_series
from sightline.statistics.within import WithinFit, within

__all__ = [
    "CONSTANT",
    "SINGULAR",
    "Bootstrap",
    "Bounds",
    "CannotEstimate",
    "Cells",
    "Composition",
    "CrossProducts",
    "Difference",
    "Dropped",
    "Equivalence",
    "Estimate",
    "Estimates",
    "EventStudy",
    "GroupTime",
    "Interrupted",
    "LogitFit",
    "MixedFit",
    "MixedLogitFit",
    "OlsFit",
    "Oster",
    "Paired",
    "PanelFit",
    "Pooled",
    "PreTrend",
    "Proportion",
    "RandomTest",
    "Resampled",
    "Robustness",
    "SignedRank",
    "Specifications",
    "Wald",
    "WithinFit",
    "benjamini_hochberg",
    "cells_cross_products",
    "cells_from",
    "certain_levels",
    "cluster_bootstrap",
    "composition",
    "conditional_logit",
    "contrast",
    "cross_difference",
    "cross_products",
    "difference_in_differences",
    "difference_in_means",
    "difference_in_proportions",
    "effect_on_treated",
    "equivalence",
    "event_study",
    "expected_bias_after_passing",
    "group_rows",
    "group_time_effects",
    "grouping_sql",
    "holm",
    "interrupted_series",
    "linear_probability",
    "logit",
    "marginal_effects",
    "mean",
    "minimum_detectable_effect",
    "mixed",
    "mixed_logit",
    "ols",
    "one_more_variance",
    "oster",
    "paired_t",
    "percentage_change",
    "permuted",
    "poisson_within",
    "pooled",
    "power",
    "pre_trend",
    "random_subsets",
    "random_term_test",
    "randomisation_test",
    "relative_magnitude_bounds",
    "robustness_value",
    "romano_wolf",
    "rows_as_cells",
    "shuffled_differences",
    "signed_rank",
    "smooth_trend_bounds",
    "specification_curve",
    "standard_error_of_difference",
    "stars",
    "switching",
    "undecided",
    "wild_bootstrap",
    "wild_score_bootstrap",
    "wilson",
    "with_unit_means",
    "within",
    "within_cross_products",
]
