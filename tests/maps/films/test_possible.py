"""What is too little for a fit is said before one is made."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ellimaps.core.stack import ImageStack
from ellimaps.maps.films.possible import what_is_lacking
from ellimaps.optics.layers import THICKNESS, Layer
from ellimaps.optics.model import ThinFilm

FREE = {THICKNESS: (0.0, 400.0)}
MODEL = ThinFilm(layers=(Layer("SiO2", 100.0, FREE),), substrate="Si", aoi_deg=50.0)


def stack_of(waves):
    values = np.full((len(waves), 4, 4), 30.0)
    return ImageStack.from_arrays(values, values, waves, 50.0)


def test_two_wavelengths_are_enough_for_a_thickness():
    assert what_is_lacking(stack_of([500.0, 600.0]).pairs()) == ""
    assert what_is_lacking(stack_of([500.0, 600.0]).pairs(), MODEL) == ""


@pytest.mark.parametrize("model", [None, MODEL])
def test_one_is_not(model):
    assert "at 2 wavelengths or angles of incidence at least, and" in what_is_lacking(
        stack_of([500.0]).pairs(), model
    )


def test_a_range_that_leaves_one_is_not():
    narrow = replace(MODEL, wavelengths_nm=(550.0, 650.0))
    assert "the model uses 1" in what_is_lacking(stack_of([500.0, 600.0]).pairs(), narrow)


def test_as_many_parameters_as_values_cannot_be_found():
    four = replace(MODEL, layers=tuple(Layer("SiO2", 10.0, FREE) for _ in range(4)))
    assert what_is_lacking(stack_of([500.0, 600.0]).pairs(), four).startswith(
        "4 parameters cannot be found from 4 values"
    )
    assert what_is_lacking(stack_of([500.0, 600.0, 700.0]).pairs(), four) == ""
