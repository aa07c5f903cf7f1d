"""How many clusters to take, why, what else can be defended, and what the number does not tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ellimaps.core.checks import whole_number
from ellimaps.core.errors import SettingError
from ellimaps.core.parallel import single_threaded
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.stack import ImageStack
from ellimaps.maps.clustering.edges import flat_pixels
from ellimaps.maps.clustering.features import Features, FeatureSpace
from ellimaps.maps.clustering.kinds import PARTS, PARTS_PER_KIND, Kinds, count_kinds
from ellimaps.maps.clustering.kmeans import MAX_CLUSTERS, KMeans, nearest_centers

FLAT_PIXELS = 1 << 15
"""Half or twice as many give the same numbers of kinds: benchmarks/bench_constants.py."""

# Ten pixels for each part.
_FEWEST_FLAT_PIXELS = 256
# A valley between these shares of the lower peak can be read in both ways: benchmarks/bench_choosing_k.py
# prints how often the other reading is offered, and how often it is true where the suggestion is wrong.
_DOUBTFUL = (0.05, 0.25)


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """The number of clusters to take if in doubt.

    Attributes
    ----------
    kinds : int
        How many kinds of region valleys divide; 1 where nothing divides the pixels, and no k is a finding.
    suggested_k : int
        As many clusters, as far as the range allows.
    reason : str
        Why.
    alternative_k : int or None
        Another number that can be defended: one more where a kind falls into two, one less where two of them
        are hardly divided.
    alternative_reason : str
        Why that; empty where there is no alternative.
    remarks : tuple of str
        What whoever takes the number should know: that nothing divides the pixels, that the range ended it.
    valleys : DataFrame
        What decided: for each number ``k`` of groups of pixels away from edges, the shallowest ``valley``
        between two of them, as a share of the lower peak beside it; 1 where nothing divides the two.
    settings : mapping
        Features, seed and range used.
    """

    kinds: int
    suggested_k: int
    reason: str
    alternative_k: int | None
    alternative_reason: str
    remarks: tuple[str, ...]
    valleys: pd.DataFrame
    settings: Mapping[str, Any]


def suggest_k(
    stack: ImageStack,
    *,
    k_range: Iterable[int] = range(2, 11),
    features: Features | None = None,
    seed: int = 0,
    on_progress: Progress = no_progress,
) -> Suggestion:
    """Suggest how many clusters to take, without looking at every number of them.

    Parameters
    ----------
    stack : ImageStack
        Usually preprocessed, so that few pixels lack a value.
    k_range : iterable of int
        Numbers of clusters to choose from, within 2..30.
    features : {"raw", "standard", "ncs"}, optional
        See `ellimaps.maps.clustering.features.feature_matrix`.
    seed : int
        Seed of the random starts.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)`` after every step.

    Returns
    -------
    Suggestion
        The number, and how sure it is.

    Raises
    ------
    SettingError
        If the range or the features do not fit the stack.
    """
    ks = checked_range(k_range)
    return suggestion_for(stack, FeatureSpace(stack, features), ks, seed, on_progress)


def suggestion_for(
    stack: ImageStack, space: FeatureSpace, ks: Sequence[int], seed: int, on_progress: Progress = no_progress
) -> Suggestion:
    """Suggest one of some ascending numbers of clusters of a stack's pixels; see `suggest_k`.

    Parameters
    ----------
    stack : ImageStack
        The maps.
    space : FeatureSpace
        What the pixels are compared in.
    ks : sequence of int
        The numbers to choose from.
    seed : int
        Of samples and starts.
    on_progress : callable
        Called as ``on_progress(done, total, what)``.
    """
    with single_threaded():
        kinds = _kinds(stack, space, ks[-1], seed, on_progress)
    k = _nearest_to(kinds, ks)
    other, why = _alternative(kinds) if k == kinds.count else (None, "")
    return Suggestion(
        kinds=kinds.count,
        suggested_k=k,
        reason=_reason(kinds, k),
        alternative_k=other if other in ks else None,
        alternative_reason=why if other in ks else "",
        remarks=tuple(_remarks(kinds, k, ks)),
        valleys=pd.DataFrame(sorted(kinds.valleys.items()), columns=["k", "valley"]),
        settings={"features": space.kind, "seed": seed, "k_min": ks[0], "k_max": ks[-1]},
    )


def checked_range(k_range: Iterable[int]) -> list[int]:
    """Return numbers of clusters in ascending order.

    Raises
    ------
    SettingError
        If there is none, or one is not within 2..30.
    """
    ks = sorted({whole_number("k", k, 2, MAX_CLUSTERS) for k in k_range})
    if not ks:
        raise SettingError("The range of k to try is empty.")
    return ks


def _kinds(stack: ImageStack, space: FeatureSpace, k_max: int, seed: int, on_progress: Progress) -> Kinds:
    steps = ("finding flat pixels", "parting them", "counting kinds")
    on_progress(0, len(steps), steps[0])
    flat = KMeans(_flat_space(stack, space, seed), seed)
    on_progress(1, len(steps), steps[1])
    count = max(PARTS, int(PARTS_PER_KIND * k_max))
    centers = flat.rough_centers(min(count, flat.space.n_pixels))
    parts = np.full(stack.shape, -1, dtype=np.int16)
    parts.ravel()[space.pixels] = nearest_centers(space, flat.mean, centers)
    on_progress(2, len(steps), steps[2])
    kinds = count_kinds(flat.projected, flat.space.pixels, parts)
    on_progress(3, len(steps), steps[2])
    return kinds


def _flat_space(stack: ImageStack, space: FeatureSpace, seed: int) -> FeatureSpace:
    """Return the flat pixels, a random sample of them where they are many, all pixels where they are few."""
    flat = space.pixels[flat_pixels(stack).ravel()[space.pixels]]
    if flat.size < _FEWEST_FLAT_PIXELS:
        return space
    if flat.size > FLAT_PIXELS:
        flat = np.random.default_rng(seed).choice(flat, FLAT_PIXELS, replace=False)
    within = np.zeros(stack.shape, dtype=np.bool_)
    within.ravel()[flat] = True
    return space.within(within)


def _nearest_to(kinds: Kinds, ks: Sequence[int]) -> int:
    """Return the number nearest to that of the kinds; where there is one, that with the deepest valleys."""
    if kinds.count > 1:
        return min(ks, key=lambda k: abs(k - kinds.count))
    return min(ks, key=lambda k: (kinds.valleys.get(k, 1.0), k))


def _reason(kinds: Kinds, k: int) -> str:
    if kinds.count == 1:
        shallow = f"the valleys between so many groups hold {kinds.valleys.get(k, 1.0):.0%}"
        return f"k = {k} is no finding: {shallow} of the lower peak beside them."
    deep = f"the shallowest gap holds {kinds.valleys[kinds.count]:.0%} of the lower peak beside it"
    text = f"{kinds.count} kinds are divided by gaps between their values away from edges ({deep})"
    return f"{text}." if k == kinds.count else f"{text}; k = {k} is the nearest number in the range."


def _remarks(kinds: Kinds, k: int, ks: Sequence[int]) -> Iterator[str]:
    if kinds.count == 1:
        yield "Nothing divides the pixels into kinds: any k only parts what varies without a gap."
    if len(ks) > 1 and k == ks[-1]:
        yield f"k = {k} is the upper bound of the range, which ended the search: try a larger one."


def _alternative(kinds: Kinds) -> tuple[int | None, str]:
    """Return one kind more or less where a valley can be read in both ways, and why."""
    low, high = _DOUBTFUL
    k = kinds.count
    if (inside := kinds.valleys.get(k + 1, 1.0)) < high:
        return k + 1, f"k = {k + 1} can be defended too: one kind falls into two, with {inside:.0%} between."
    if (bridge := kinds.valleys[k]) > low:
        return k - 1, f"k = {k - 1} can be defended too: a bridge of {bridge:.0%} joins two of the kinds."
    return None, ""
