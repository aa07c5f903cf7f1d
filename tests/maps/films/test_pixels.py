"""A pixel's measured and fitted spectrum, against the maps and the library's own fit of that pixel."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import EXAMPLE

from ellimaps import fit_map, fit_shots, open_stack, preprocess, read_model, segment
from ellimaps.maps.films.pixels import pixel_fit
from ellimaps.optics.flags import Flag


@pytest.fixture(scope="module")
def stack():
    return preprocess(open_stack(EXAMPLE))


@pytest.fixture(scope="module")
def model():
    return read_model(EXAMPLE / "model.toml")


@pytest.fixture(scope="module")
def pixels(stack, model):
    return fit_map(stack, model)


@pytest.fixture(scope="module")
def clusters(stack, model):
    return fit_shots(segment(stack, k=4), model)


def test_what_was_measured_is_that_pixel_of_the_maps_and_what_was_filled_is_not(pixels, stack):
    y, x = (int(place[0]) for place in np.nonzero(stack.filled.any(axis=0)))
    curves = pixel_fit(pixels, x, y).curves(None)
    for name in ("delta", "psi"):
        bands = stack.pairs()[name].to_numpy()
        expected = np.where(stack.filled[bands, y, x], np.nan, stack.values[bands, y, x])
        np.testing.assert_array_equal(curves[name], expected)
    assert curves["delta"].isna().any() or curves["psi"].isna().any()


def test_a_pixel_has_its_own_fit(pixels, model):
    y, x = (int(place[0]) for place in np.nonzero(pixels.trusted))
    found = pixel_fit(pixels, x, y)
    assert found.parameters == {"thickness_nm": pixels.parameters[0, y, x]}
    assert found.standard_errors == {"thickness_nm": pixels.standard_errors[0, y, x]}
    assert found.flag == Flag.OK
    curves = found.curves(found.model)
    psi, delta = model.psi_delta(curves["wavelength_nm"].to_numpy(), 50.0, [found.parameters["thickness_nm"]])
    np.testing.assert_allclose(curves["psi_model"], psi)
    np.testing.assert_allclose(curves["delta_model"], delta)
    assert np.abs(curves["psi_residual"]).max() < 0.4


def test_with_fits_of_clusters_it_has_that_of_its_cluster(clusters):
    labels = clusters.segmentation.labels
    y, x = (int(place[-1]) for place in np.nonzero(labels == 2))
    found = pixel_fit(clusters, x, y)
    assert found.parameters == clusters.clusters[2].parameters
    assert found.model == clusters.clusters[2].model
    assert found.is_of_cluster


def test_where_nothing_was_fitted_there_is_no_model(stack, model):
    mask = np.zeros(stack.shape, dtype=bool)
    mask[0, 0] = True
    found = pixel_fit(fit_map(stack, model, mask=mask), 5, 5)
    assert (found.model, found.parameters, found.flag) == (None, {}, Flag.NOT_FITTED)
    assert found.curves(found.model)["psi_model"].isna().all()
