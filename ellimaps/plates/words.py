"""What a treatment changes, in words: "nuclei area larger (+2.3 sd), cell count lower (-4.1 sd)"."""

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

# The first pattern that is found in a feature's name says how more and less of it are called.
_DIRECTIONS = (
    (r"count|(^|_)n_", ("more", "fewer")),
    (r"area|radius|size|axis|perimeter|diameter|volume", ("larger", "smaller")),
    (r"corr|coloc|overlap", ("more alike", "less alike")),
    (r"texture|granul|contrast|entropy|haralick|spectrum", ("coarser", "smoother")),
    (r"eccentric|elongat|aspect", ("more elongated", "rounder")),
    (r"solidity|form_?factor|round|circular", ("smoother in outline", "more irregular in outline")),
    (r"(^|_)(std|mad|cv|spread|sd)(_|$)", ("more varied", "more uniform")),
    (r"mean|median|integrated|intensity|p\d+|background", ("brighter", "darker")),
)


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
    """Return what aspect a feature belongs to, and its change in words."""
    plain = re.sub(r"[_\s]+", " ", feature).strip()
    channel = re.search(r"(?:^|_)(ch\d+|[A-Z]\w*)$", feature)
    for pattern, (more, less) in _DIRECTIONS:
        if re.search(pattern, feature, re.IGNORECASE):
            word = more if change_sd > 0 else less
            aspect = f"{more} {channel[1] if channel else ''}"
            text = f"{word} {_counted(plain)}" if more == "more" else f"{plain} {word}"
            return aspect, f"{text} ({change_sd:+.1f} sd)"
    return plain, f"{plain} {'higher' if change_sd > 0 else 'lower'} ({change_sd:+.1f} sd)"


def _counted(plain: str) -> str:
    rest = re.sub(r"\b(count|n|number of|number)\b", "", plain).strip()
    return rest or "cells"
