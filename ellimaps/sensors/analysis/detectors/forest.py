"""Hours whose course is unlike the others: an isolation forest on lagged features.

References
----------
.. [1] F. T. Liu, K. M. Ting, Z.-H. Zhou, "Isolation forest", ICDM 2008, 413-422, doi:10.1109/ICDM.2008.17
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ellimaps.sensors.analysis.decomposition import Decomposition
from ellimaps.sensors.analysis.detectors.evidence import Evidence, unusual_stretches

FOREST = "isolation forest"
# The grid of the change points; hours are compared, so finer rows only repeat them.
_EVERY_H = 0.25
# Half a year of quarters of an hour: each tree draws 256 of them in any case (Liu et al. 2008).
_MOST_ROWS = 20_000


def isolated_stretches(log: Decomposition, rate: float, seed: int) -> list[Evidence]:
    """Find stretches that an isolation forest separates from the rest in few cuts."""
    from sklearn.ensemble import IsolationForest  # type: ignore[import-untyped]

    features = lagged_features(log).iloc[:: log.steps(_EVERY_H)].dropna()
    if len(features) < 2:
        return []
    forest = IsolationForest(n_estimators=100, random_state=seed)
    training = features.iloc[:: max(1, len(features) // _MOST_ROWS)]
    score = -forest.fit(training.to_numpy()).score_samples(features.to_numpy())
    strength = pd.Series(score, features.index).reindex(log.values.index)
    if (between := log.steps(_EVERY_H) - 1) > 0:
        strength = strength.ffill(limit=between)
    return unusual_stretches(strength, log, window_h=1.0, rate=rate, detector=FOREST)


def lagged_features(log: Decomposition) -> pd.DataFrame:
    """Return residuals now and earlier, their changes, and how rough the last hour was."""
    hour = log.steps(1)
    residual = log.dithered(log.residual)
    level = residual.rolling(3, center=True, min_periods=1).median()
    past = {f"{hours} h ago": level.shift(log.steps(hours)) for hours in (1, 3, 6)}
    changes = {f"change in {hours} h": level.diff(log.steps(hours)) for hours in (1, 3)}
    rough = residual.diff().rolling(hour, center=True, min_periods=hour // 2 + 1)
    return pd.DataFrame({"now": level, **past, **changes, "roughness": np.log(rough.std() + 1e-9)})
