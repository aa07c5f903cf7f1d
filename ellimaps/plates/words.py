"""What a treatment changes, in words: "nuclei larger (+2.3 sd), fewer cells (-4.1 sd)"."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import t as student

from ellimaps.plates.points import Floats
from ellimaps.plates.treatments import Treatment

MOST_NAMED = 4
SIGNIFICANCE = 0.05
NO_CHANGE = "no change beyond chance"

_CELLS = "cells?|nuclei|nucleus"
_LEVEL = r"(?:mean|median|p[\d.]+)"
_CHANNEL = r"_(?P<channel>\w+?)"
_END = "(?:_median)?$"
# The first pattern that fits a feature's name says what aspect of the cells it is, and how more and less of it
# are called. More than a pattern for an aspect, as only the most changed feature of each is named.
_PHRASES = (
    (rf"(?:{_CELLS})_count$", "number", "more cells", "fewer cells"),
    (r"tissue_share$", "number", "more of the field covered", "less of the field covered"),
    (r"tissue_patches$", "number", "more patches of cells", "fewer patches of cells"),
    (r"tissue_(?:patch_area|depth)\w*$", "patches", "larger patches of cells", "smaller patches of cells"),
    (rf"(?:{_CELLS})_(?:area|radius|axis\w*){_END}", "size", "nuclei larger", "nuclei smaller"),
    (rf"(?:{_CELLS})_eccentricity{_END}", "shape", "nuclei more elongated", "nuclei rounder"),
    (rf"(?:{_CELLS})_form_factor{_END}", "shape", "nuclei smoother in outline", "nuclei more ragged"),
    (r"cell_(?P<channel>\w+)_iqr$", "variety", "cells vary more in {0}", "cells vary less in {0}"),
    (rf"cell_around{_CHANNEL}{_END}", "level {0}", "cell bodies brighter in {0}", "cell bodies darker in {0}"),
    (rf"cell_integrated{_CHANNEL}{_END}", "amount {0}", "more {0} in nuclei", "less {0} in nuclei"),
    (rf"cell_{_LEVEL}{_CHANNEL}{_END}", "level {0}", "nuclei brighter in {0}", "nuclei darker in {0}"),
    (rf"(?:field_background|tissue_outside){_CHANNEL}{_END}", "background {0}", "{0} brighter between cells",
     "{0} darker between cells"),
    (rf"(?:\w+?_)?correlation(?:_\d)?{_CHANNEL}{_END}", "likeness {0}", "{0} more alike", "{0} less alike"),
    (rf"(?:\w+?_)?difference(?:_std|_skewness)?{_CHANNEL}{_END}", "likeness {0}",
     "{0} differ more", "{0} differ less"),
    (rf"cell_radial_0{_CHANNEL}{_END}", "place {0}", "{0} nearer to the nucleus", "{0} farther from the nucleus"),
    (rf"cell_radial_2{_CHANNEL}{_END}", "place {0}", "{0} farther from the nucleus", "{0} nearer to the nucleus"),
    (rf"tissue_radial_[01]{_CHANNEL}{_END}", "place {0}", "{0} nearer to the rim", "{0} farther from the rim"),
    (rf"tissue_radial_[23]{_CHANNEL}{_END}", "place {0}", "{0} farther from the rim", "{0} nearer to the rim"),
    (rf"(?:\w+?_)?(?:granularity|spots|texture)(?:_\d)?{_CHANNEL}{_END}", "texture {0}",
     "{0} more textured", "{0} smoother"),
    (rf"(?:\w+?_)?(?:std|skewness){_CHANNEL}{_END}", "texture {0}", "more contrast in {0}", "less contrast in {0}"),
    (rf"(?:\w+?_)?{_LEVEL}{_CHANNEL}{_END}", "level {0}", "brighter in {0}", "darker in {0}"),
)  # fmt: skip


def change_table(
    relative: Floats, features: Sequence[str], treatment: Treatment, n_controls: int
) -> pd.DataFrame:
    """Return how much a treatment changes each feature.

    Parameters
    ----------
    relative : ndarray, shape (well, feature)
        Of `ellimaps.plates.distance.relative_to_controls`.
    features : sequence of str
        Their names.
    treatment : Treatment
        Whose wells to look at.
    n_controls : int
        How many wells they are compared with.

    Returns
    -------
    DataFrame
        ``feature, change_sd`` (mean change in standard deviations of the control wells), ``p`` (Student's t
        with the controls' variance, Bonferroni-corrected for the number of features), by descending size of
        the change.
    """
    change = relative[treatment.rows].mean(axis=0)
    n = len(treatment.rows)
    statistic = np.abs(change) / np.sqrt(1 / n + 1 / n_controls)
    p = np.minimum(2 * student.sf(statistic, n_controls - 1) * len(features), 1.0)
    table = pd.DataFrame({"feature": list(features), "change_sd": change, "p": p})
    order = np.argsort(-np.abs(change), kind="stable")
    return table.iloc[order].reset_index(drop=True)


def in_words(changes: pd.DataFrame) -> str:
    """Return the largest changes beyond chance as a phrase, one for each aspect of the cells.

    Parameters
    ----------
    changes : DataFrame
        Of `change_table`.
    """
    named: dict[str, str] = {}
    for row in changes[changes["p"] < SIGNIFICANCE].itertuples():
        aspect, phrase = describe(str(row.feature), float(str(row.change_sd)))
        named.setdefault(aspect, phrase)
        if len(named) == MOST_NAMED:
            break
    return ", ".join(named.values()) or NO_CHANGE


def describe(feature: str, change_sd: float) -> tuple[str, str]:
    """Return what aspect of the cells a feature belongs to, and its change in words."""
    size = f"({change_sd:+.1f} sd)"
    for pattern, aspect, more, less in _PHRASES:
        if match := re.fullmatch(pattern, feature):
            channel = match.groupdict().get("channel", "").replace("_", " ")
            return aspect.format(channel), f"{(more if change_sd > 0 else less).format(channel)} {size}"
    plain = feature.replace("_", " ")
    return plain, f"{plain} {'higher' if change_sd > 0 else 'lower'} {size}"
