"""A thickness taken from a cluster where the layer is the topmost, against truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.films import SILICA, film_angles, noisy_terraces

from ellimaps import segment
from ellimaps.core.errors import SettingError
from ellimaps.maps.films.reference import reference_text, thickness_of_reference
from ellimaps.maps.films.results import thickness_name
from ellimaps.optics.flags import Flag
from ellimaps.optics.layers import THICKNESS, Layer
from ellimaps.optics.library import material
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.period import Period

WAVES = np.linspace(450.0, 750.0, 13)
OXIDE_NM, FILM_NM = 92.4, 8.0
HBN = material("PMMA")
MODEL = ThinFilm(
    layers=(Layer(HBN, 5.0, {THICKNESS: (0.0, 40.0)}), Layer("SiO2", 10.0)), substrate="Si", aoi_deg=50.0
)


@pytest.fixture(scope="module")
def segmentation():
    """Bare oxide, and the same with a film on top."""
    bare = film_angles([(SILICA, OXIDE_NM)], WAVES, 50.0)
    covered = film_angles([(HBN, FILM_NM), (SILICA, OXIDE_NM)], WAVES, 50.0)
    return segment(noisy_terraces([bare, covered], WAVES, 50.0), k=2)


def cluster_of(segmentation, terrace):
    return int(segmentation.labels[6, 6 if terrace == "bare" else 18])


def test_the_oxide_of_the_bare_cluster_is_the_true_one(segmentation):
    bare = cluster_of(segmentation, "bare")
    found = thickness_of_reference(segmentation, MODEL, 1, bare, highest_nm=150.0)
    assert abs(found.thickness_nm - OXIDE_NM) < 4 * found.standard_error_nm
    assert found.standard_error_nm < 0.5
    assert found.cluster == bare
    assert found.thickness_nm == round(found.thickness_nm, 3)
    assert reference_text(found, "oxide").endswith("held fixed.")
    assert found.flag == Flag.OK
    assert "as in cluster oxide" in reference_text(found, "oxide")


def test_a_model_that_lacks_fit_says_so_and_one_that_is_wrong_is_refused(segmentation):
    bare = cluster_of(segmentation, "bare")
    near = replace(MODEL, layers=(MODEL.layers[0], Layer("SiO2", 10.0)), aoi_deg=50.25)
    found = thickness_of_reference(segmentation, near, 1, bare, highest_nm=150.0)
    assert found.flag == Flag.LACK_OF_FIT
    assert "the verdict lack of fit" in reference_text(found, "0")
    wrong = replace(MODEL, layers=(MODEL.layers[0], Layer("TiO2", 10.0)))
    with pytest.raises(SettingError, match="does not tell the thickness of this layer"):
        thickness_of_reference(segmentation, wrong, 1, bare, highest_nm=150.0)


def test_a_limit_below_the_thickness_is_refused(segmentation):
    with pytest.raises(SettingError, match="does not tell the thickness of this layer"):
        thickness_of_reference(segmentation, MODEL, 1, cluster_of(segmentation, "bare"), highest_nm=50.0)


def test_what_lies_above_may_be_tied_to_it_or_mixed_of_it(segmentation):
    film, oxide = MODEL.layers
    tied = Layer("SiO2", 1.0, tied={THICKNESS: 4})
    model = replace(MODEL, layers=(Layer("roughness", 1.0), film, Layer("roughness", 2.0), oxide, tied))
    found = thickness_of_reference(segmentation, model, 3, cluster_of(segmentation, "bare"), highest_nm=150.0)
    # The oxide is in two equal layers here.
    assert abs(2 * found.thickness_nm - OXIDE_NM) < 8 * found.standard_error_nm


def test_a_repeated_layer_is_nowhere_alone(segmentation):
    model = replace(MODEL, layers=(MODEL.layers[0], Period((Layer("SiO2", 10.0),), 3)))
    with pytest.raises(SettingError, match="repeated in a period"):
        thickness_of_reference(segmentation, model, 1, 0, highest_nm=150.0)


def test_a_map_shows_the_film_and_not_its_roughness():
    rough = Layer("roughness", 1.0, {THICKNESS: (0.0, 9.0)})
    assert thickness_name(replace(MODEL, layers=(rough, *MODEL.layers))) == "thickness_nm_2"
    assert thickness_name(replace(MODEL, layers=(rough, MODEL.layers[1]))) == "thickness_nm"
