"""What the workbench asks of the library: ready models, models as files, profiles, untrusted pixels."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import EXAMPLE

from ellimaps import fit_map, fit_shots, open_stack, preprocess, read_model, segment
from ellimaps.core.errors import SettingError
from ellimaps.images.line_profile import line_profile
from ellimaps.maps.films.fit import shot_curves
from ellimaps.optics.crystals import UniaxialMaterial
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.flags import Flag
from ellimaps.optics.layers import THICKNESS, Layer
from ellimaps.optics.materials import Table
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.model_file import model_files
from ellimaps.optics.ready_models import ready_models

IMAGE = np.arange(12, dtype=np.float32).reshape(3, 4)


@pytest.fixture(scope="module")
def stack():
    return preprocess(open_stack(EXAMPLE))


def test_ready_models_survive_their_files(tmp_path):
    for name, model in ready_models().items():
        files = model_files(model)
        assert list(files) == ["model.toml"], name
        (tmp_path / "model.toml").write_bytes(files["model.toml"])
        again = read_model(tmp_path / "model.toml")
        np.testing.assert_array_equal(again.rho([550.0, 650.0], 50.0), model.rho([550.0, 650.0], 50.0))
        assert again.parameters == model.parameters


def test_a_model_with_tables_is_written_with_them(tmp_path):
    low = Table(((400.0, 1.5, 0.0), (800.0, 1.1, 1 / 3)), "low.nk")
    high = Table(((400.0, 2.5, 0.0), (800.0, 2.1, 0.1)), "high.nk")
    model = ThinFilm(low, (Layer(UniaxialMaterial(low, high), 12.0, {THICKNESS: (0.0, 50.0)}),))
    for name, content in model_files(model).items():
        (tmp_path / name).write_bytes(content)
    again = read_model(tmp_path / "model.toml")
    assert again.substrate == low
    assert again.layers[0].material.extraordinary == high


def test_two_tables_of_one_name_are_refused():
    one, other = (Table(((400.0, n, 0.0), (800.0, n, 0.0)), "a.nk") for n in (1.5, 1.6))
    with pytest.raises(SettingError, match=r"called a\.nk: rename one"):
        model_files(ThinFilm(one, (Layer(other, 1.0),)))


def test_a_profile_is_the_pixels_under_the_line():
    row = line_profile(IMAGE, (0.0, 1.5), (4.0, 1.5))
    assert row["value"].tolist() == [4, 5, 6, 7]
    assert row["distance"].tolist() == [0.5, 1.5, 2.5, 3.5]
    column = line_profile(IMAGE, (2.5, 0.0), (2.5, 3.0), aspect=1.5)
    assert column["value"].tolist() == [2, 6, 10]
    assert column["distance"].iloc[-1] == pytest.approx(3.75)
    point = line_profile(IMAGE, (1.2, 2.7), (1.2, 2.7))
    assert point[["x", "y", "value", "distance"]].to_numpy().tolist() == [[1, 2, 9, 0]]


def test_a_profile_keeps_nan_and_stays_on_the_map():
    image = IMAGE.copy()
    image[1, 2] = np.nan
    values = line_profile(image, (-5.0, 1.5), (99.0, 1.5))["value"]
    assert values[:2].tolist() == [4, 5]
    assert np.isnan(values[2])
    with pytest.raises(SettingError, match="two points"):
        line_profile(image, (np.nan, 0.0), (1.0, 1.0))


def test_what_is_doubtful_is_what_was_asked_for_and_is_not_trusted(stack):
    model, options = read_model(EXAMPLE / "model.toml"), FitOptions(max_mse=5.0)
    segmentation = segment(stack, k=4)
    fits = fit_shots(segmentation, model, options=options)
    poor = [fit.cluster for fit in fits.clusters if fit.flag == Flag.POOR_FIT]
    assert 0 < len(poor) < 4
    np.testing.assert_array_equal(fits.doubtful, np.isin(segmentation.labels, poor))
    mask = np.zeros(stack.shape, dtype=bool)
    mask[:40] = True
    fit = fit_map(stack, model, mask=mask, options=options)
    np.testing.assert_array_equal(fit.doubtful, mask & ~fit.trusted)
    assert fit.doubtful.any()


def test_curves_without_a_fit_are_those_of_the_fit_with_the_same_model(stack):
    segmentation, model = segment(stack, k=4), read_model(EXAMPLE / "model.toml")
    fits = fit_shots(segmentation, model)
    ours = shot_curves(segmentation, 2, fits.clusters[2].model)
    assert ours.equals(fits.curves(2))
    assert shot_curves(segmentation, 2)["psi_model"].isna().all()
