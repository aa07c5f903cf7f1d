"""What is learned and how profiles are judged, against figures known beforehand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from ellimaps.core.errors import SettingError
from ellimaps.plates.measuring.cell_features import nucleus_shapes
from ellimaps.plates.measuring.plate import METADATA, read_plate
from ellimaps.plates.measuring.profiles import Profiles, profile_plate, wells_of
from ellimaps.plates.statistics.evaluation import average_precision, evaluate
from ellimaps.plates.statistics.normalization import Vectors, fit_space, scaled, select, vectors


def table_of(compounds: list[str], values: np.ndarray, fields: int = 2) -> Profiles:
    """Profiles of one well per name, with the same fields each; values are ``(field, feature)``."""
    features = [f"f{i}" for i in range(values.shape[1])]
    rows = [
        (
            *("p", f"{chr(65 + well // 24)}{well % 24 + 1:02d}", well // 24 + 1, well % 24 + 1),
            *(field, name, 1.0, "µM", name == "DMSO", f"{well}_{field}.tif"),
        )
        for well, name in enumerate(compounds)
        for field in range(fields)
    ]
    table = pd.DataFrame(rows, columns=list(METADATA)).join(pd.DataFrame(values, columns=features))
    return Profiles(table, wells_of(table, features), tuple(features))


def random_plate(seed: int, shift: float, wells: int = 48) -> Profiles:
    random = np.random.default_rng(seed)
    names = ["DMSO", "a", "b", "c"] * (wells // 4)
    values = random.standard_normal((2 * wells, 6))
    for number, name in enumerate("abc"):
        values[np.repeat([n == name for n in names], 2), number] += shift
    return table_of(names, values)


def test_average_precision_by_hand():
    distance = np.array([[np.inf, 1.0, 2.0, 3.0]])
    # Relevant at the ranks 1 and 3: (1/1 + 2/3) / 2.
    classes = np.array(["a", "a", "b", "a"], object)
    assert average_precision(np.vstack([distance] * 4), classes)[0] == pytest.approx(5 / 6)
    alone = np.array(["a", "b", "c", "d"], object)
    assert np.isnan(average_precision(np.vstack([distance] * 4), alone)[0])


def test_a_well_is_never_its_own_neighbour():
    # Fields of one well are equal, and the nearest other well is of another compound.
    points = np.repeat([[0.0], [1.0], [10.0], [11.0]], 2, axis=0)
    profiles = table_of(["a", "b", "a", "b"], points)
    found = evaluate(profiles, Vectors(points, points[::2], ("x",)))
    assert (found.field_accuracy_1nn, found.well_accuracy_1nn) == (0, 0)


def test_strong_effects_are_found_and_none_is_not():
    strong, none = evaluate(random_plate(0, 30.0)), evaluate(random_plate(0, 0.0))
    assert strong.well_accuracy_1nn == 1
    assert strong.map > 0.99
    assert none.map < 0.45


def test_controls_have_a_z_score_of_0_and_1():
    profiles = random_plate(1, 5.0)
    z = scaled(profiles)[0][profiles.fields["control"].to_numpy()]
    assert np.allclose(np.median(z, axis=0), 0)
    assert np.allclose(1.4826 * np.median(np.abs(z), axis=0), 1)


def test_scaling_agrees_with_pycytominer():
    pycytominer = pytest.importorskip("pycytominer")
    profiles = random_plate(2, 5.0)
    table = profiles.fields.rename(columns={name: f"Metadata_{name}" for name in METADATA})
    theirs = pycytominer.normalize(
        table,
        features=list(profiles.features),
        meta_features=[f"Metadata_{name}" for name in METADATA],
        samples="Metadata_control",
        method="mad_robustize",
    )
    np.testing.assert_allclose(theirs[list(profiles.features)], scaled(profiles)[0], rtol=1e-4)


def test_plates_are_scaled_by_their_own_controls():
    first, second = random_plate(3, 8.0), random_plate(3, 8.0)
    moved = second.fields.assign(plate="q")
    moved[list(second.features)] = moved[list(second.features)] * 7 + 100
    fields = pd.concat([first.fields, moved], ignore_index=True)
    both = Profiles(fields, wells_of(fields, first.features), first.features)
    z = scaled(both)[0].to_numpy()
    np.testing.assert_allclose(z[: len(z) // 2], z[len(z) // 2 :], atol=1e-9)


def test_inert_wells_are_not_left_outside():
    # Half of the untreated wells are called controls: they must lie no closer to their middle than the rest.
    random = np.random.default_rng(4)
    profiles = table_of(["DMSO", "inert"] * 24, random.standard_normal((96, 60)))
    points = vectors(profiles).wells
    control = profiles.wells["control"].to_numpy()
    distance = np.linalg.norm(points - points[control].mean(axis=0), axis=1)
    assert np.median(distance[~control]) < 1.15 * np.median(distance[control])


def test_missing_and_constant_features_do_no_harm():
    profiles = random_plate(5, 10.0)
    fields = profiles.fields.copy()
    fields["f4"], fields["f5"] = 3.0, np.nan
    fields.loc[::3, "f0"] = np.nan
    found = vectors(dataclasses.replace(profiles, fields=fields, wells=wells_of(fields, profiles.features)))
    assert np.isfinite(found.fields).all()
    assert not {"f4", "f5"} & set(found.names)


def test_features_that_say_the_same_count_once():
    random = np.random.default_rng(6)
    values = random.standard_normal((50, 2))
    assert select(np.c_[values, -2 * values[:, 0], np.zeros(50)]).tolist() == [0, 1]


def test_variation_within_wells_is_taken_down():
    random = np.random.default_rng(7)
    wells = np.repeat(np.arange(40), 3)
    points = random.standard_normal((40, 12))[wells] + 0.1 * random.standard_normal((120, 12))
    points[:, 0] += 20 * random.standard_normal(120)
    space = fit_space(points, wells)
    spread = space.apply(points).std(axis=0)
    assert spread[0] < 2 * spread[1]
    alone = fit_space(points[::3], np.arange(40))
    np.testing.assert_array_equal(alone.sphering, np.eye(12))


def test_one_well_has_no_neighbours():
    with pytest.raises(SettingError, match="two wells"):
        evaluate(table_of(["a"], np.zeros((2, 1))))


def test_shapes_of_discs_and_ellipses():
    y, x = np.mgrid[:120, :200]
    labels = np.zeros((120, 200), np.int32)
    labels[np.hypot(y - 60, x - 50) < 30] = 1
    labels[np.hypot((y - 60) / 20, (x - 140) / 40) < 1] = 2
    found = nucleus_shapes(labels, np.array([1, 2]))
    np.testing.assert_allclose(found["axis_major"], [60, 80], rtol=0.01)
    np.testing.assert_allclose(found["axis_minor"], [60, 40], rtol=0.01)
    np.testing.assert_allclose(found["eccentricity"], [0, np.sqrt(0.75)], atol=0.05)
    assert found["form_factor"][0] == pytest.approx(1, abs=0.05)


@pytest.fixture(scope="module")
def published(shared_data):
    folder = shared_data / "plates"
    plate = read_plate(folder / "hepg2_merged_fields", folder / "layout.csv")
    table = pd.read_csv(folder / "hepg2_umap_features.csv").set_index("Name")[["Vector1", "Vector2"]]
    metadata = plate.metadata()
    fields = metadata.assign(**dict(zip("xy", table.loc[metadata["files"]].to_numpy().T, strict=True)))
    return Profiles(fields, wells_of(fields, ["x", "y"]), ("x", "y"))


def test_published_coordinates_are_judged_as_published(published):
    points = published.fields[["x", "y"]].to_numpy()
    found = evaluate(published, Vectors(points, published.wells[["x", "y"]].to_numpy(), ("x", "y")))
    assert (found.n_fields, found.n_wells) == (288, 96)
    assert round(found.field_accuracy_1nn, 3) == 0.608
    assert round(found.well_accuracy_1nn, 3) == 0.625
    assert round(found.map, 3) == 0.604


def test_a_part_of_the_real_plate_is_told_apart(shared_data):
    folder = shared_data / "plates"
    plate = read_plate(folder / "hepg2_merged_fields", folder / "layout.csv")
    part = (plate.files["field"] == 1) & plate.files["column"].isin([1, 12])
    part &= plate.files["row"].isin([1, 2, 4, 5, 9, 10, 12, 13])
    found = evaluate(profile_plate(dataclasses.replace(plate, files=plate.files[part])))
    # benchmarks/bench_plates.py has the whole plate: three fields, 96 wells. Chance is 0.2 here.
    assert found.n_wells == 16
    assert found.well_accuracy_1nn > 0.5
