"""Invented words: forenames, surnames, places and postcodes that belong to nobody and are nowhere.

Every word is put together from syllables no English name is made of. The lists are fixed (they do not depend on a
seed), so a test can look at every name that could ever be given.
"""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

# The area "ZZ" is not one of the Royal Mail's postcode areas, so no letter can reach these addresses.
POSTCODE_AREA = "ZZ"
_INWARD = "ABDEFGHJLNPQRSTUWXYZ"  # the letters an inward code may hold

_STARTS = ("Vr", "Zw", "Kv", "Skr", "Dz", "Thr", "Vl", "Gw", "Pl", "Kr", "Dr", "Bl", "Tw", "Gr", "Sn", "Pr", "Fl", "Qu")
_VOWELS = ("a", "e", "i", "o", "u")
_MIDDLES = ("lb", "zk", "mph", "lth", "gn", "rv", "xt", "vv", "ndr", "bz", "lk", "ld")
_GIRLS = ("ive", "ulle", "oa", "ysse", "emi", "iru", "une", "eph")
_BOYS = ("ork", "ux", "uth", "obe", "imo", "ud", "yst", "egg")
_ENDS = ("wesk", "mund", "dorst", "brig", "molt", "gost", "pring", "stave", "plock", "tarn", "quill", "zand")
_PLACE_ENDS = ("moor", "wick", "holt", "mere", "stow", "garth", "fell", "combe", "brook", "cliffe", "marsh", "leigh")


def _every_nth(words: list[str], wanted: int) -> tuple[str, ...]:
    """`wanted` words spread evenly over the list, so that neighbours differ in more than their last letters."""
    step = len(words) / wanted
    return tuple(words[int(i * step)] for i in range(wanted))


@cache
def girls() -> tuple[str, ...]:
    """400 forenames given to girls."""
    return _every_nth(["".join(w) for w in product(_STARTS, _VOWELS, _MIDDLES, _GIRLS)], 400)


@cache
def boys() -> tuple[str, ...]:
    """400 forenames given to boys."""
    return _every_nth(["".join(w) for w in product(_STARTS, _VOWELS, _MIDDLES, _BOYS)], 400)


@cache
def surnames() -> tuple[str, ...]:
    """3,000 surnames."""
    return _every_nth(["".join(w) for w in product(_STARTS, _VOWELS, ("l", "n", "rb", "x", "th"), _ENDS)], 3000)


@cache
def places() -> tuple[str, ...]:
    """900 places, for schools and localities; no two share a stem, so that names do not look alike."""
    stems = ["".join(w) for w in product(_STARTS, _VOWELS, ("x", "zz", "lv", "mb", "ng", "rk", "sp", "nt", "ff", "sk"))]
    return tuple(stem + _PLACE_ENDS[(i * 7) % len(_PLACE_ENDS)] for i, stem in enumerate(stems))


@cache
def postcodes() -> tuple[str, ...]:
    """36,000 postcodes, ZZ1 0AA to ZZ9 9ZZ."""
    return tuple(
        f"{POSTCODE_AREA}{district} {sector}{a}{b}"
        for district in range(1, 10)
        for sector in range(10)
        for a in _INWARD
        for b in _INWARD
    )


def common_first(count: int, size: int, random: np.random.Generator) -> NDArray[np.int64]:
    """`count` indices into a list of `size`, the early ones far commoner, as names are in life."""
    weights = 1.0 / np.arange(3, size + 3) ** 0.8
    order = np.random.Generator(np.random.PCG64(7)).permutation(size)
    return order[random.choice(size, size=count, p=weights / weights.sum())]
