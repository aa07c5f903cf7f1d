"""What spectra are drawn over: one rule for figures and pages."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from support.stacks import delta_psi, intensities

from ellimaps.core.abscissa import AXIS_TITLES, abscissa_of, film_abscissa_of, time_axis
from ellimaps.core.stack import DELTA, PSI, ImageStack


def stack_of(**columns):
    count = len(next(iter(columns.values())))
    bands = pd.DataFrame({"quantity": "intensity", **columns}, index=range(count))
    return ImageStack(np.zeros((count, 2, 2)), bands, "test")


TWO_TIMES = {"frame": [0, 0, 1, 1], "channel": ["a", "b"] * 2}


@pytest.mark.parametrize(
    ("stack", "column"),
    [
        (delta_psi(np.zeros((3, 2, 2)), np.zeros((3, 2, 2))), "wavelength_nm"),
        (delta_psi(np.zeros((1, 2, 2)), np.zeros((1, 2, 2))), "band"),
        (
            stack_of(quantity=[DELTA, DELTA, PSI, PSI], wavelength_nm=[500.0] * 4, aoi_deg=[50, 60] * 2),
            "aoi_deg",
        ),
        (intensities(np.zeros((3, 2, 2))), "band"),
        (stack_of(wavelength_nm=[400.0, 500.0]), "wavelength_nm"),
        (stack_of(wavelength_nm=[400.0, np.nan]), "band"),
        (stack_of(wavelength_nm=[400.0, 400.0, 500.0]), "band"),
        (stack_of(**TWO_TIMES), "frame"),
        (stack_of(**TWO_TIMES, time_s=[0.0, 0.0, 5.0, 5.0]), "time_s"),
        # The files do not tell all times, or tell the same for two images of a channel.
        (stack_of(**TWO_TIMES, time_s=[0.0, 0.0, np.nan, 5.0]), "frame"),
        (stack_of(**TWO_TIMES, time_s=[0.0, 0.0, 0.0, 5.0]), "frame"),
        (stack_of(**TWO_TIMES, wavelength_nm=[400.0, 500.0] * 2), "frame"),
        (stack_of(frame=[-1, -1], channel=["a", "b"]), "band"),
        # Exposures of maps are no time points.
        (stack_of(quantity=[DELTA, PSI], frame=[0, 1], time_s=[0.1, 0.2]), "band"),
    ],
)
def test_the_axis_of_a_stack(stack, column):
    assert abscissa_of(stack) == column
    assert column in AXIS_TITLES
    assert (time_axis(stack) is not None) == (column in ("frame", "time_s"))
    if stack.is_ellipsometric:
        assert film_abscissa_of(stack) == ("wavelength_nm" if column == "band" else column)
