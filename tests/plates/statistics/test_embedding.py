"""Embeddings and clusters: seeded, in the profiles and not in the picture, quick."""

from __future__ import annotations

import sys
import time
import types
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from support.plates_profiles import FEATURES, known, profiles
from support.stacks import one_sentence

from ellimaps.core.errors import MissingExtraError, SettingError
from ellimaps.plates.measuring.profiles import Profiles
from ellimaps.plates.statistics.clusters import cluster
from ellimaps.plates.statistics.components import principal_components
from ellimaps.plates.statistics.embedding import embed
from ellimaps.plates.statistics.normalization import Vectors

GROUPS = {"One": {"cell_count": -40.0}, "Two": {"mean_ch2": 40.0}, "Three": {"texture_ch1": 40.0}}


@pytest.fixture(autouse=True)
def plain_vectors(monkeypatch):
    """Points whose distances are known: the raw features, in units of ten."""

    def plain(made: Profiles) -> Vectors:
        names = list(made.features)
        return Vectors(made.fields[names].to_numpy() / 10, made.wells[names].to_numpy() / 10, made.features)

    monkeypatch.setattr("ellimaps.plates.statistics.components.vectors", plain)


def grouped() -> Profiles:
    return profiles(1, effects=GROUPS, doses=(1000.0,), replicates=8, controls=24)


def neighbours_agree(table: pd.DataFrame) -> float:
    found = table[["x", "y"]].to_numpy()
    gaps = np.square(found[:, None] - found).sum(axis=2)
    np.fill_diagonal(gaps, np.inf)
    compound = table["compound"].to_numpy()
    return float(np.mean(compound[gaps.argmin(axis=1)] == compound))


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_like_wells_lie_together_and_the_seed_decides(method):
    made = grouped()
    table = embed(made, method, seed=4, level="well")
    assert len(table) == len(made.wells)
    assert set(table) == {*made.wells} - {*FEATURES} | {"x", "y"}
    assert neighbours_agree(table) > 0.9
    pd.testing.assert_frame_equal(table, embed(made, method, seed=4, level="well"), check_exact=True)


def test_pca_is_that_of_the_vectors():
    made = grouped()
    values = made.fields[list(FEATURES)].to_numpy() / 10
    centered = values - values.mean(axis=0)
    strength = np.linalg.svd(centered, compute_uv=False)[:2]
    found = embed(made)[["x", "y"]].to_numpy()
    np.testing.assert_allclose(np.sqrt(np.square(found).sum(axis=0)), strength, rtol=1e-9)


def test_what_does_not_fit_is_refused():
    made = known()[0]
    few = replace(made, fields=made.fields[:3], wells=made.wells[:3])
    for call, message in (
        (lambda: embed(made, "mds"), "method 'mds' is unknown"),
        (lambda: embed(made, level="cell"), "level 'cell' is unknown"),
        (lambda: embed(few, "tsne"), "needs 5 fields or more"),
        (lambda: cluster(few, level="well"), "need 4 wells or more"),
        (lambda: cluster(made, "spectral"), "Clusters by 'spectral'"),
        (lambda: cluster(made, "kmeans", level="well", n_clusters=97), "97 clusters of 96 wells"),
        (lambda: cluster(made, "hdbscan", level="well", n_clusters=3), "by itself"),
    ):
        with pytest.raises(SettingError, match=message) as error:
            call()
        assert one_sentence(error)


def test_without_umap_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(MissingExtraError, match=r"ellimaps\[plates\]") as error:
        embed(known()[0], "umap")
    assert one_sentence(error)


@pytest.mark.parametrize("method", ["agglomerative", "kmeans", "hdbscan"])
def test_clusters_are_the_groups(method):
    made = grouped()
    labels = cluster(made, method, level="well")
    pairs = {(name, label) for name, label in zip(made.wells["compound"], labels, strict=True) if label >= 0}
    assert len(pairs) == 4
    assert len({label for _, label in pairs}) == 4
    np.testing.assert_array_equal(labels, cluster(made, method, level="well"))
    assert set(labels) - {-1} == {0, 1, 2, 3}


def test_the_number_of_clusters_can_be_given():
    assert len(set(cluster(grouped(), "kmeans", n_clusters=7))) == 7


def test_ten_thousand_points_are_laid_out_in_a_second():
    points = np.random.default_rng(0).standard_normal((10_000, 200))
    start = time.process_time()
    assert principal_components(points).shape == (10_000, 50)
    assert time.process_time() - start < 2


def test_umap_starts_from_the_components_and_gets_the_seed(monkeypatch):
    """The real one compiles itself for 20 s of processor time at its first use."""
    given = {}

    class Layout:
        def __init__(self, **settings):
            given.update(settings)

        def fit_transform(self, points):
            given["points"] = points
            return points[:, 1::-1]

    monkeypatch.setitem(sys.modules, "umap", types.SimpleNamespace(UMAP=Layout))
    table = embed(grouped(), "umap", seed=6, level="well")
    assert (given["random_state"], given["n_jobs"]) == (6, 1)
    assert given["points"].shape[1] > 2
    np.testing.assert_allclose(table["y"], given["points"][:, 0])
    assert abs(np.corrcoef(given["init"][:, 0], given["points"][:, 0])[0, 1]) > 0.999
