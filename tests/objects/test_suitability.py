"""What an image shows in place of bright objects on a dark ground is said in its flags."""

from __future__ import annotations

import numpy as np
import pytest

from ellimaps.objects.suitability import unsuitable
from ellimaps.samples.nuclei import nuclei_phantom

NUCLEI = nuclei_phantom(4, size=(256, 256), count=20).image
NOISE = np.random.default_rng(0).normal(100, 5, (256, 256))


@pytest.mark.parametrize(
    ("image", "flag"),
    [
        (np.full((40, 40), 7), "all one value"),
        (np.full((40, 40), np.nan), "nothing measured"),
        (np.where(NOISE > 90, 255, 0).astype(np.uint8), "saturated without structure"),
        (NUCLEI.max() - NUCLEI, "dark on a bright ground"),
    ],
    ids=["constant", "not measured", "saturated", "bright field"],
)
def test_what_is_wrong_is_said(image, flag):
    found = unsuitable([image], ["gray"], 0, 0)
    assert len(found) == 1
    assert found[0].startswith(flag)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", [{}, {"crowding": 0.9, "count": 120}, {"haze": 0.5}, {"photons": 10.0}])
def test_fluorescence_is_not_doubted(kind, seed):
    assert unsuitable([nuclei_phantom(seed, size=(256, 256), **kind).image], ["gray"], 0, 9) == []


def test_noise_is_not_taken_for_something_else():
    assert unsuitable([NOISE], ["gray"], 0, 0) == []


@pytest.mark.parametrize("empty", [np.zeros((256, 256)), NOISE], ids=["black", "noise"])
def test_the_channel_with_the_nuclei_is_named(empty):
    found = unsuitable([empty, empty, NUCLEI], ["red", "green", "blue"], 0, 0)
    assert found[-1] == "nothing in red, but in blue (channel 2)"
    assert unsuitable([NUCLEI, empty, NUCLEI], ["red", "green", "blue"], 0, 5) == []
