"""What an image shows in place of bright objects on a dark ground is said in its flags."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image
from scipy import ndimage

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


@pytest.mark.parametrize("blur", [0, 1, 3])
def test_noise_is_called_so(blur):
    noise = ndimage.gaussian_filter(NOISE, blur)
    assert unsuitable([noise], ["gray"], 0, 0) == ["nothing stands out of the noise"]
    assert unsuitable([noise], ["gray"], 0, 9) == ["as far dark as bright: noise, or no fluorescence"]


def test_objects_of_another_size_are_told_from_noise():
    assert unsuitable([NUCLEI], ["gray"], 0, 0) == ["nothing of this size and shape"]


COLORS = ["red", "green", "blue"]


def test_a_stained_section_is_told_from_stained_nuclei():
    """A real section that scikit-image ships, and the same nuclei in three dyes on black and in one."""
    section = np.asarray(Image.open(Path(skimage.data.__file__).with_name("ihc.png")))
    for channel in range(3):
        (flag,) = unsuitable([*section.transpose(2, 0, 1)], COLORS, channel, 50)
        assert flag.startswith("dark on a bright ground")
    assert unsuitable([NUCLEI, NUCLEI // 2, NUCLEI // 3], COLORS, 0, 20) == []


@pytest.mark.parametrize("empty", [np.zeros((256, 256)), NOISE], ids=["black", "noise"])
def test_the_channel_with_the_nuclei_is_named(empty):
    found = unsuitable([empty, empty, NUCLEI], ["red", "green", "blue"], 0, 0)
    assert found[-1] == "nothing in red, but in blue (channel 2)"
    assert len(found) == 2
    assert unsuitable([NUCLEI, empty, NUCLEI], ["red", "green", "blue"], 0, 5) == []
