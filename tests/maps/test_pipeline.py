"""The whole way as one call."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from conftest import EXAMPLE
from numpy.testing import assert_array_equal
from support.stacks import delta_psi, one_sentence

from ellimaps.core.errors import SettingError
from ellimaps.maps.export import export_contents
from ellimaps.maps.pipeline import cluster, estimate_of, prepare, run
from ellimaps.maps.refinement import Clean, Merge
from ellimaps.maps.regions import Region
from ellimaps.maps.settings import Settings
from ellimaps.readers import open_stack


def test_run_does_what_the_steps_do(tmp_path):
    settings = Settings(k=4, gaps="exclude", refine=(Clean(3), Merge((0, 1))), names=("a", "b", "c"))
    result = run(EXAMPLE, tmp_path, settings)
    stack = prepare(open_stack(EXAMPLE), settings)
    by_hand = export_contents(cluster(stack, settings), names=settings.names)
    assert {path.name for path in result.files} == set(by_hand)
    for path in result.files:
        if path.suffix != ".json":
            assert path.read_bytes() == by_hand[path.name], path.name
    assert result.suggestion is None
    assert set(result.seconds) == {"open", "preprocess", "segment", "export"}


def test_k_is_estimated_where_it_is_not_given(tmp_path):
    settings = Settings(k_max=6)
    result = run(EXAMPLE, tmp_path, settings)
    stack = prepare(open_stack(EXAMPLE), settings)
    assert result.suggestion is not None
    assert result.segmentation.k == result.suggestion.suggested_k == 4
    assert estimate_of(stack, settings).suggested_k == 4
    assert_array_equal(result.segmentation.labels, cluster(stack, replace(settings, k=4)).labels)
    assert "suggest" in result.seconds
    facts = json.loads((tmp_path / f"{stack.name}_segmentation.json").read_text(encoding="utf-8"))
    assert facts["suggestion"]["suggested_k"] == 4


def test_names_and_regions_reach_the_files(tmp_path):
    region = Region("spot", "pixel", ((3, 4),))
    result = run(EXAMPLE, tmp_path, Settings(k=2, names=("dark", "bright"), regions=(region,)))
    assert any(path.name.endswith("_region_spot.ds.dat") for path in result.files)
    full = next(tmp_path.glob("*_clustershot_full.csv")).read_text(encoding="utf-8")
    assert "dark" in full


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(k=4, names=("a",)), "1 names are given for 4 clusters"),
        (Settings(k=2, refine=(Merge((0, 2)),)), "no cluster 2"),
        (Settings(k=2, regions=(Region("off", "pixel", ((999, 0),)),)), "Region off holds no pixel"),
        (Settings(k=2, regions=(Region("a", "pixel", ((0, 0),)),) * 2), "Two regions are named a"),
        (Settings(k=2, pixel_size_um=0), "pixel size must be a positive number"),
        (Settings(k=2, pixel_size_um=float("nan")), "pixel size must be a positive number"),
        (Settings(k=2, pixel_size_um="1"), "pixel size must be a positive number"),
        (Settings(k=2, gaps="leave"), "gaps must be one of"),
    ],
)
def test_nothing_is_written_where_a_setting_is_wrong(tmp_path, settings, message):
    with pytest.raises(SettingError, match=message) as error:
        run(EXAMPLE, tmp_path / "out", settings)
    assert one_sentence(error)
    assert not (tmp_path / "out").exists()


def test_clusters_need_k():
    with pytest.raises(SettingError, match="k is not given"):
        cluster(delta_psi([[1.0, 2]], [[3.0, 4]]), Settings())


def test_the_pixel_size_is_that_of_measured_pixels():
    stack = delta_psi(np.ones((4, 6)), np.ones((4, 6)), pixel_size_um=0.25)
    assert prepare(stack, Settings()).pixel_size_um == 0.25
    assert prepare(stack, Settings(pixel_size_um=2)).pixel_size_um == 2
    assert prepare(stack, Settings(pixel_size_um=2, binning=2)).pixel_size_um == 4


def test_whole_and_decimal_numbers_are_equal_settings():
    whole, decimal = Settings(despike=5, smooth=1), Settings(despike=5.0, smooth=1.0)
    assert repr(whole) == repr(decimal)
    assert hash(whole) == hash(decimal)
