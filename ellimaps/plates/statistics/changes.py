"""What a treatment changes, by feature and as a phrase: "nuclei larger (+2.3 sd), fewer cells (-4.1 sd)"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import numpy as np
import pandas as pd
from scipy.stats import t as student

from ellimaps.plates.statistics.components import Floats
from ellimaps.plates.statistics.treatments import Treatment

MOST_NAMED = 4
"""Changes in a phrase: about what a cell of a table shows."""
SIGNIFICANCE = 0.05
"""After Bonferroni over all features: a convention."""
NO_CHANGE = "no change beyond chance"
_FIRST_ASPECTS = ("number", "size", "shape")

# The first pattern that fits a feature's name says what aspect of the cells it is, and how more and less of
# it are called; CH is a channel or a pair of them, ANY_ whatever comes before. Several patterns can stand for
# one aspect, as only the most changed feature of each is named.
_PHRASES = (
    ("cell_count", "number", "more cells", "fewer cells"),
    ("tissue_share", "number", "more of the field covered", "less of the field covered"),
    ("tissue_patches", "number", "more patches of cells", "fewer patches of cells"),
    ("tissue_edge_share", "patches", "patches of cells more ragged", "patches of cells more compact"),
    (r"tissue_(?:patch_area|depth)\w*", "patches", "patches of cells larger", "patches of cells smaller"),
    (r"cell_(?:area|radius|axis_\w+?)", "size", "nuclei larger", "nuclei smaller"),
    ("cell_eccentricity", "shape", "nuclei more elongated", "nuclei rounder"),
    ("cell_form_factor", "shape", "nuclei smoother in outline", "nuclei more ragged in outline"),
    ("cell_CH_iqr", "variety", "cells vary more in {0}", "cells vary less in {0}"),
    ("cell_around_CH", "level {0}", "cell bodies brighter in {0}", "cell bodies darker in {0}"),
    ("cell_integrated_CH", "amount {0}", "more {0} in nuclei", "less {0} in nuclei"),
    ("cell_(?:mean|median)_CH", "level {0}", "nuclei brighter in {0}", "nuclei darker in {0}"),
    ("cell_radial_0_CH", "location {0}", "{0} nearer to the nucleus", "{0} farther from the nucleus"),
    ("cell_radial_2_CH", "location {0}", "{0} farther from the nucleus", "{0} nearer to the nucleus"),
    ("tissue_radial_[01]_CH", "location {0}", "{0} nearer to the rim", "{0} farther from the rim"),
    ("tissue_radial_[23]_CH", "location {0}", "{0} farther from the rim", "{0} nearer to the rim"),
    ("field_background_CH", "background {0}", "background brighter in {0}", "background darker in {0}"),
    ("tissue_outside_CH", "background {0}", "{0} brighter around cells", "{0} darker around cells"),
    (r"ANY_correlation(?:_\d)?_CH", "pair {0}", "{0} more alike", "{0} less alike"),
    ("ANY_difference_std_CH", "pair {0}", "{0} differ more", "{0} differ less"),
    ("ANY_difference_skewness_CH", "pair {0}", "{0} differ more in places", "{0} differ less in places"),
    ("ANY_difference_CH", "balance {0}", "of {0} more of the first", "of {0} more of the second"),
    (r"ANY_(?:granularity|texture)(?:_\d)?_CH", "texture {0}", "{0} more textured", "{0} smoother"),
    (r"ANY_spots(?:_\d)?_CH", "texture {0}", "{0} more spotted", "{0} less spotted"),
    ("ANY_(?:std|skewness)_CH", "contrast {0}", "more contrast in {0}", "less contrast in {0}"),
    (r"ANY_(?:mean|median|p[\d.]+)_CH", "level {0}", "brighter in {0}", "darker in {0}"),
)


def change_table(
    relative: Floats, features: Sequence[str], treatment: Treatment, n_controls: int
) -> pd.DataFrame:
    """Return how much a treatment changes each feature.

    Parameters
    ----------
    relative : ndarray, shape (well, feature)
        Of `ellimaps.plates.statistics.distance.relative_to_controls`.
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


def describe_changes(changes: pd.DataFrame) -> str:
    """Return the largest changes beyond chance as a phrase, one for each aspect of the cells.

    Number, size and shape of the cells come first, as they are what is asked for first.

    Parameters
    ----------
    changes : DataFrame
        Of `change_table`.
    """
    named: dict[str, str] = {}
    for row in changes[changes["p"] < SIGNIFICANCE].itertuples():
        aspect, phrase = describe_change(str(row.feature), float(str(row.change_sd)))
        named.setdefault(aspect, phrase)
    # Sorting keeps the order by size within each of the two kinds.
    phrases = [named[aspect] for aspect in sorted(named, key=lambda aspect: aspect not in _FIRST_ASPECTS)]
    return ", ".join(phrases[:MOST_NAMED]) or NO_CHANGE


def describe_change(feature: str, change_sd: float) -> tuple[str, str]:
    """Return what aspect of the cells a feature belongs to, and its change in words."""
    size = f"({change_sd:+.1f} sd)"
    for pattern, aspect, more, less in _PHRASES:
        if match := _compiled(pattern).fullmatch(feature):
            between = " and " if aspect.startswith(("pair", "balance")) else " "
            channel = match.groupdict().get("channel", "").replace("_", between)
            return aspect.format(channel), f"{(more if change_sd > 0 else less).format(channel)} {size}"
    plain = feature.replace("_", " ")
    return plain, f"{plain} {'higher' if change_sd > 0 else 'lower'} {size}"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    pattern = pattern.replace("ANY_", r"(?:\w+?_)?").replace("CH", r"(?P<channel>\w+?)")
    return re.compile(pattern + "(?:_median)?")
