"""Colours of the page: the palette of every chart, and the check of a council's own colour."""

from __future__ import annotations

import re

from sightline.charts import PALETTE
from sightline.vocabulary.errors import BadSetting

__all__ = ["BRAND", "PALETTE", "checked_brand", "contrast", "luminance"]

BRAND = "#1d5b4f"
LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3


def luminance(colour: str) -> float:
    """Relative luminance of a #rrggbb colour (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, from 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def checked_brand(colour: str) -> str:
    """The colour, when white text on it can be read. Raises BadSetting."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
        raise BadSetting("SIGHTLINE_BRAND_COLOUR must be a colour such as #1d5b4f.")
    if contrast(colour, "#ffffff") < LEAST_CONTRAST:
        raise BadSetting(
            f"SIGHTLINE_BRAND_COLOUR {colour} is too light: white text on it would not have a contrast of 4.5 to 1."
        )
    return colour
