"""Our profiles in the hands of pycytominer and copairs, as anybody calls them."""

from __future__ import annotations

from dataclasses import replace

import copairs.map
import numpy as np
import pandas as pd
import pycytominer
import pytest
from pycytominer.cyto_utils import infer_cp_features
from support.plates_profiles import profiles
from typer.testing import CliRunner

from ellimaps.cli import cli
from ellimaps.core.errors import SettingError
from ellimaps.plates.exchange.cytomining import (
    CONTROL_TYPE,
    METADATA_NAMES,
    cytomining_names,
    write_cytomining,
)
from ellimaps.plates.measuring.profiles import read_profiles
from ellimaps.plates.statistics.answers import answers
from ellimaps.plates.statistics.evaluation import evaluate
from ellimaps.plates.statistics.normalization import vectors
from ellimaps.plates.statistics.treatments import treatments
from ellimaps.samples import sample_plate

NEGATIVE = f"{CONTROL_TYPE} == 'negcon'"
WELL = ["Metadata_Plate", "Metadata_Well"]


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A generated plate, measured by the command, with a positive control in its layout."""
    folder = tmp_path_factory.mktemp("cytomining")
    sample_plate(folder, seed=5, wells=48, size=128, only_wells=8)
    layout = pd.read_csv(folder / "layout.csv", dtype=str, keep_default_na=False)
    layout["control"] = layout["control"].replace({"0": "treatment", "1": "negative"})
    layout.loc[layout["well"] == "A03", "control"] = "positive"
    layout.to_csv(folder / "layout.csv", index=False)
    images, options = str(folder / "images"), ["--layout", str(folder / "layout.csv"), "--workers", "1"]
    command = ["plates", "profile", images, *options, "--radius", "2", "6", "--out", str(folder / "out")]
    for names in (["--names", "cellprofiler"], []):
        result = CliRunner().invoke(cli, [*command, *names], catch_exceptions=False)
        assert result.exit_code == 0, result.stderr
    assert "cytomining_wells.parquet" not in result.stdout
    return folder / "out"


def table(folder, level="wells"):
    return pd.read_parquet(folder / f"cytomining_{level}.parquet")


def test_inference_finds_all_features_and_no_metadata(measured):
    own = read_profiles(measured)
    for level in ("wells", "fields"):
        found = table(measured, level)
        features = infer_cp_features(found)
        metadata = infer_cp_features(found, metadata=True)
        assert len(features) == len(own.features) == 347
        assert sorted([*features, *metadata]) == sorted(found)
        assert not set(features) & set(metadata)


def test_names_say_what_was_measured(measured):
    own, theirs = read_profiles(measured).wells, table(measured)
    for name, other in {
        "cell_count": "Cells_Number_Count",
        "cell_area_median": "Nuclei_AreaShape_Area",
        "cell_mean_ch1_median": "Nuclei_Intensity_MeanIntensity_ch1",
        "cell_around_ch2_iqr": "Cytoplasm_Intensity_MeanIntensity_ch2_IQR",
        "cell_correlation_ch1_ch2_median": "Cells_Correlation_Correlation_ch1_ch2",
        "field_p99.9_ch1": "Cells_Field_p99.9_ch1",
    }.items():
        np.testing.assert_array_equal(own[name], theirs[other])
    assert theirs.set_index("Metadata_Well")[CONTROL_TYPE].to_dict()["A03"] == "poscon"
    assert set(theirs[CONTROL_TYPE]) == {"negcon", "poscon", "trt"}


def test_their_aggregate_gives_our_wells(measured):
    fields = table(measured, "fields")
    theirs = pycytominer.aggregate(fields, strata=WELL, operation="mean")
    wells = table(measured).set_index("Metadata_Well")
    for name in infer_cp_features(fields):
        np.testing.assert_allclose(theirs.set_index("Metadata_Well")[name], wells[name], rtol=1e-12)


def test_their_normalization_and_selection_run_unchanged(tmp_path):
    write_cytomining(profiles(7, plates=("p", "q")), tmp_path)
    found = table(tmp_path)
    for plate in ("p", "q"):
        part = found[found["Metadata_Plate"] == plate]
        normal = pycytominer.normalize(part, samples=NEGATIVE, method="mad_robustize")
        features = infer_cp_features(normal)
        assert len(features) == len(infer_cp_features(found))
        controls = normal.query(NEGATIVE)[features]
        np.testing.assert_allclose(controls.median(), 0, atol=1e-9)
        chosen = pycytominer.feature_select(
            normal, operation=["variance_threshold", "correlation_threshold", "drop_na_columns"]
        )
        assert 2 < len(infer_cp_features(chosen)) <= len(features)


def test_mean_average_precision_is_that_of_copairs():
    made = profiles(8, plates=("p", "q"), replicates=2)
    points = pd.DataFrame(vectors(made).wells)
    meta = made.wells.rename(columns=METADATA_NAMES)
    # Euclidean order among all other wells, as `evaluate`.
    theirs = copairs.map.average_precision(
        meta, points.to_numpy(), ["Metadata_Compound"], [], [], ["Metadata_Compound"],
        distance="euclidean", progress_bar=False,
    )  # fmt: skip
    own, other = evaluate(made).map, float(theirs["average_precision"].mean())
    print(f"mean average precision of {len(theirs)} wells: ours {own:.15f}, copairs {other:.15f}")
    assert 0.2 < other < 0.99
    assert own == pytest.approx(other, abs=1e-9)


def test_the_precision_of_a_treatment_is_that_of_copairs():
    # From none to strong: precisions of 1 alone would say nothing.
    effects = {"A": {"mean_ch2": 8.0, "std_ch2": 6.0}, "B": {"cell_count": -4.0}, "C": {}}
    made = profiles(9, effects=effects, replicates=4)
    found = answers(made).treatments.set_index(["compound", "concentration"])["map"]
    points = vectors(made).wells
    control = made.wells["control"].to_numpy()
    differences = []
    for one in treatments(made.wells):
        union = np.concatenate([one.rows, np.flatnonzero(control)])
        meta = pd.DataFrame(
            {"Metadata_kind": np.where(np.arange(len(union)) < len(one.rows), "trt", "negcon")}
        )
        centered = points[union] - points[union].mean(axis=0)
        theirs = copairs.map.average_precision(
            meta,
            centered,
            ["Metadata_kind"],
            [],
            [],
            ["Metadata_kind"],
            distance="cosine",
            progress_bar=False,
        )
        mean = theirs.loc[theirs["Metadata_kind"] == "trt", "average_precision"].mean()
        differences.append(abs(mean - found[one.compound, one.concentration]))
    print(f"{len(differences)} treatments: largest difference from copairs {max(differences):.1e}")
    assert found.min() < 0.5 < found.max()
    assert max(differences) < 1e-9


def test_every_name_is_another_one():
    with pytest.raises(SettingError, match="rename a channel"):
        cytomining_names(["cell_mean_X_IQR_median", "cell_mean_X_iqr"])


def test_what_is_measured_on_merged_pictures_are_cells(tmp_path):
    made = replace(profiles(1), facts={"channels": ["merged"]})
    write_cytomining(made, tmp_path)
    assert "Cells_AreaShape_Area" in table(tmp_path)
    known = ["Cytoplasm_AreaShape_Area", "resnet50_pc000"]
    assert list(cytomining_names(known).values()) == ["Cytoplasm_AreaShape_Area", "Cells_resnet50_pc000"]
