"""Which records are one child: deterministic passes, each link with its evidence, each doubt with its reason; and by
likeness, where no number is shared, with a probability."""

from sightline.linkage.decided import Reading, Review, binding, record_key, reviews, subject_of
from sightline.linkage.likeness import learn
from sightline.linkage.link import Links, link
from sightline.linkage.model import Model
from sightline.linkage.model import train as train_model
from sightline.linkage.people import COLUMNS, standardise
from sightline.linkage.predict import ACCEPTED, REJECTED, REVIEW, expected_missed, predict
from sightline.linkage.rate import match_rate
from sightline.linkage.rate_by import Missed, match_rate_by, missed_links

__all__ = [
    "ACCEPTED",
    "COLUMNS",
    "REJECTED",
    "REVIEW",
    "Links",
    "Missed",
    "Model",
    "Reading",
    "Review",
    "binding",
    "expected_missed",
    "learn",
    "link",
    "match_rate",
    "match_rate_by",
    "missed_links",
    "predict",
    "record_key",
    "reviews",
    "standardise",
    "subject_of",
    "train_model",
]
