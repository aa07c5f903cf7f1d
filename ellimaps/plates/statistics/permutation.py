"""Permutation tests of whole wells: which wells could as well have been the treated ones.

A p-value is the share of all choices of wells whose statistic is as large as the observed one. Few choices
are all tried, so that the value is exact; of many a random sample is taken which holds the observed choice,
so that a p-value is never 0 and never too small (Phipson and Smyth 2010, doi:10.2202/1544-6115.1585).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations
from math import comb, prod

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

Indices = NDArray[np.int32]

MOST_EXACT = 100_000
"""Choices that are all tried: the 58,905 of 4 wells and 32 controls, a common layout, are among them."""
N_DRAWN = 20_000
"""Drawn where there are more: a p-value of 0.01 then has a standard error of 0.0007."""


def choices(treated: NDArray[np.bool_], plates: NDArray[np.intp], seed: int) -> Indices:
    """Return the choices of wells to compare the observed one with; it is the first of them.

    Parameters
    ----------
    treated : ndarray of bool, shape (well,)
        The observed choice.
    plates : ndarray of int, shape (well,)
        Every choice has as many wells of a plate as the observed one, so that differences between plates
        do not count.
    seed : int
        For a random sample.

    Returns
    -------
    ndarray of int32, shape (choice, well chosen)
        All of them if they are at most 100,000, else the observed one and 20,000 drawn at random.
    """
    groups, counts, observed = _observed(treated, plates)
    if prod(comb(len(group), count) for group, count in zip(groups, counts, strict=True)) <= MOST_EXACT:
        others = _all_choices(groups, counts)
        others = others[(others != observed).any(axis=1)]
    else:
        others = _drawn(groups, counts, np.random.default_rng(seed))
    return np.concatenate([observed[None], others])


def arrangements(treated: NDArray[np.bool_], plates: NDArray[np.intp], seed: int) -> Indices:
    """Return random choices as of `choices` in which the order of wells matters, as where doses differ.

    Returns
    -------
    ndarray of int32, shape (choice, well chosen)
        The observed one, plate by plate in ascending order of wells, and 20,000 drawn at random.
    """
    groups, counts, observed = _observed(treated, plates)
    return np.concatenate([observed[None], _drawn(groups, counts, np.random.default_rng(seed))])


def p_value(statistics: NDArray[np.float64]) -> float:
    """Return the share of the choices, shape (choice,), as large as the first, the observed one."""
    slack = 1e-9 * max(abs(float(statistics[0])), 1e-300)
    return float(np.mean(statistics >= statistics[0] - slack))


def combined_p_value(*statistics: NDArray[np.float64]) -> float:
    """Return the p-value of several statistics together: how often the best of them is as good by chance.

    Each statistic of each choice is turned to the p-value it would have as the observed one; the smallest of
    a choice's p-values is its statistic (Tippett 1931; as a permutation test in Pesarin and Salmaso 2010). So
    looking twice is paid for, and the answer stays exact.
    """
    smallest = np.min([_p_values(values) for values in statistics], axis=0)
    return p_value(-smallest)


def _p_values(statistics: NDArray[np.float64]) -> NDArray[np.float64]:
    ordered = np.sort(statistics)
    slack = 1e-9 * max(float(ordered[-1]), 1e-300)
    below = np.searchsorted(ordered, statistics - slack)
    return np.asarray((len(ordered) - below) / len(ordered), dtype=np.float64)


def false_discovery_rates(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return q-values, shape (test,): the least false discovery rate at which each test is called.

    Source: Benjamini and Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x. NaN, a test not made, stays.
    """
    q = np.full(len(p), np.nan)
    made = ~np.isnan(p)
    q[made] = false_discovery_control(p[made])
    return q


def _observed(
    treated: NDArray[np.bool_], plates: NDArray[np.intp]
) -> tuple[list[NDArray[np.intp]], list[int], Indices]:
    """Return the wells of each plate, how many of them are treated, and which."""
    groups = [np.flatnonzero(plates == plate) for plate in np.unique(plates[treated])]
    counts = [int(treated[group].sum()) for group in groups]
    return groups, counts, np.concatenate([group[treated[group]] for group in groups]).astype(np.int32)


def _all_choices(groups: list[NDArray[np.intp]], counts: list[int]) -> Indices:
    parts = [group[_combinations(len(group), count)] for group, count in zip(groups, counts, strict=True)]
    grids = np.meshgrid(*(np.arange(len(part)) for part in parts), indexing="ij")
    chosen = [part[grid.ravel()] for part, grid in zip(parts, grids, strict=True)]
    return np.concatenate(chosen, axis=1).astype(np.int32)


def _drawn(groups: list[NDArray[np.intp]], counts: list[int], random: np.random.Generator) -> Indices:
    parts = []
    for group, count in zip(groups, counts, strict=True):
        order = np.argsort(random.random((N_DRAWN, len(group)), dtype=np.float32), axis=1)
        parts.append(group[order[:, :count]])
    return np.concatenate(parts, axis=1).astype(np.int32)


@lru_cache(maxsize=8)
def _combinations(n: int, count: int) -> NDArray[np.intp]:
    flat = np.fromiter((item for choice in combinations(range(n), count) for item in choice), dtype=np.intp)
    return flat.reshape(-1, count)
