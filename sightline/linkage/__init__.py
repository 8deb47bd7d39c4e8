"""Which records are one child: deterministic passes, each link with its evidence, each doubt with its reason; and by
likeness, where no number is shared, with a probability."""

from sightline.linkage.decided import Reading, Review, binding, record_key, reviews, subject_of
from sightline.linkage.likeness import learn
from sightline.linkage.link import Links, link
from sightline.linkage.model import Model
from sightline.linkage.model import train as train_model
from sightline.linkage.people import COLUMNS, EXTRAS, standardise
from sightline.linkage.predict import ACCEPTED, REJECTED, REVIEW, expected_missed, predict
from sightline.linkage.rate_by import GROUPS as RATE_GROUPS
from sightline.linkage.rate_by import SCHOOLED, Missed, found_alike, match_rates, missed_links, of_school_age

__all__ = [
    "ACCEPTED",
    "COLUMNS",
    "EXTRAS",
    "RATE_GROUPS",
    "REJECTED",
    "REVIEW",
    "SCHOOLED",
    "Links",
    "Missed",
    "Model",
    "Reading",
    "Review",
    "binding",
    "expected_missed",
    "found_alike",
    "learn",
    "link",
    "match_rates",
    "missed_links",
    "of_school_age",
    "predict",
    "record_key",
    "reviews",
    "standardise",
    "subject_of",
    "train_model",
]
