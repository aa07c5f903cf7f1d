"""Change points: where the level of a log jumps.

References
----------
.. [1] R. Killick, P. Fearnhead, I. A. Eckley, "Optimal detection of changepoints with a linear
   computational cost", JASA 107 (2012) 1590-1598, doi:10.1080/01621459.2012.737745
.. [2] C. Truong, L. Oudre, N. Vayatis, "Selective review of offline change point detection methods", Signal
   Processing 167 (2020) 107299, doi:10.1016/j.sigpro.2019.107299 (the library ruptures)
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ellimaps.core.extras import optional
from ellimaps.sensors.analysis.decomposition import Decomposition
from ellimaps.sensors.analysis.detectors.evidence import Evidence
from ellimaps.sensors.analysis.extreme_values import law_of_chance

CHANGE = "change point"
# Chosen on generated logs, seeds 100 to 104 (the choosing half of benchmarks/bench_anomalies.py): medians of
# a quarter of an hour, segments of three of them, and the penalty of the Bayesian information criterion
# (2 log n for a mean and its place, times noise) rounded up.
_EVERY_H = 0.25
_SHORTEST_SEGMENT = 3
_PENALTY = 3.0
# PELT on a log without changes takes time in proportion to its square: six weeks at a time.
_LONGEST_PIECE = 4000


def level_changes(log: Decomposition, rate: float) -> list[Evidence]:
    """Find change points whose jump is large among the jumps of this log.

    The penalty is low on purpose: the many small jumps it lets through say what is ordinary here.
    """
    rows = log.steps(_EVERY_H)
    values = log.dithered(log.residual).rolling(rows, min_periods=1).median().iloc[rows - 1 :: rows].dropna()
    ends, jumps = _jumps(values.to_numpy(np.float64))
    chance = law_of_chance(jumps, log.months, rate)
    if chance is None:
        return []
    level = chance.level(rate)
    step = log.step * rows
    return [
        Evidence(values.index[end - 1] - step, values.index[end], chance.rate(float(jump)), CHANGE)
        for end, jump in zip(ends, jumps, strict=True)
        if jump > level
    ]


def _jumps(
    values: np.typing.NDArray[np.float64],
) -> tuple[np.typing.NDArray[np.intp], np.typing.NDArray[np.float64]]:
    """Return where the level changes, and by how much from segment to segment."""
    noise = float(np.median(np.abs(np.diff(values)))) if len(values) > 1 else 0.0
    if noise <= 0:
        noise = float(np.std(values))
    if len(values) < 4 * _SHORTEST_SEGMENT or noise <= 0:
        return np.zeros(0, np.intp), np.zeros(0)
    # A far outlier would get all change points: 50 noises off are as good as any more.
    scaled = np.clip(values / noise, *(np.median(values / noise) + np.array([-1.0, 1.0]) * 1e3))
    bounds = [0]
    for first in range(0, len(values), _LONGEST_PIECE):
        piece = scaled[first : first + _LONGEST_PIECE]
        bounds += [first + end for end in _segment_ends(piece)]
    means = np.array([values[a:b].mean() for a, b in pairwise(bounds)])
    return np.array(bounds[1:-1], np.intp), np.abs(np.diff(means))


def _segment_ends(values: np.typing.NDArray[np.float64]) -> list[int]:
    if len(values) < 2 * _SHORTEST_SEGMENT:
        return [len(values)]
    ruptures = optional("ruptures", "sensors", "Sensor logs")
    search = ruptures.KernelCPD(kernel="linear", min_size=_SHORTEST_SEGMENT).fit(values[:, None])
    return [int(end) for end in search.predict(pen=_PENALTY * np.log(len(values)))]
