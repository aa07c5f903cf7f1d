"""Maps and fits as NeXus: back bit for bit, and read by pyElli as NXellipsometry."""

from __future__ import annotations

import json
from pathlib import Path

import elli.importer.nexus as pyelli
import h5py
import numpy as np
import pandas as pd
import pytest
import tifffile
from support.ep4_tools import write_angle_series, write_small
from support.stacks import one_sentence
from typer.testing import CliRunner

from ellimaps import export_nexus, list_datasets, open_stack
from ellimaps.cli import cli
from ellimaps.core.errors import MissingExtraError, ReadError, SettingError
from ellimaps.core.provenance import sha256
from ellimaps.core.sums import SEAL_BYTES, seal
from ellimaps.readers.nexus import footer
from ellimaps.samples import sample_ep4
from ellimaps.writers.nexus_facts import ASKED, read_facts

FACTS = """
ellipsometry_experiment_type = "uv-vis spectroscopic ellipsometry"
start_time = 2026-01-01T12:00:00+01:00
[instrument.rotating_element]
rotating_element_type = "compensator (source side)"
[instrument.device_information]
vendor = "somebody"
[sample]
name = "wafer 7"
substrate = "Si"
[user]
name = "A. Nother"
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A measurement with its segmentation and fit, and facts."""
    root = tmp_path_factory.mktemp("nexus")
    sample_ep4(root / "maps", seed=3, size=(32, 40), bands=6, kinds=3)
    for command in (["segment", "-k", "3"], ["fit", "-k", "3", "--model", str(root / "maps" / "model.toml")]):
        name, *options = command
        done = CliRunner().invoke(cli, [name, str(root / "maps"), *options, "--out", str(root / "out")])
        assert done.exit_code == 0, done.output
    (root / "facts.toml").write_text(FACTS)
    export_nexus(root / "maps", root / "all.nxs", facts=root / "facts.toml", results=root / "out")
    return root


def same(one, two):
    np.testing.assert_array_equal(one.values.view(np.uint32), two.values.view(np.uint32))
    pd.testing.assert_frame_equal(one.bands, two.bands)
    for name in ("name", "pixel_size_um", "pixel_aspect", "acquired_at", "comment", "warnings"):
        assert getattr(one, name) == getattr(two, name)


def test_maps_come_back_bit_for_bit(made):
    found = open_stack(made / "all.nxs")
    same(open_stack(made / "maps"), found)
    assert found.inputs == {"all.nxs": sha256(made / "all.nxs")}
    assert list_datasets(made) == ["all"]
    same(open_stack(made), found)


def test_a_series_of_angles_comes_back(tmp_path):
    write_angle_series(tmp_path / "angles")
    export_nexus(tmp_path / "angles", tmp_path / "a.nxs")
    same(open_stack(tmp_path / "angles"), open_stack(tmp_path / "a.nxs"))


def test_pyelli_reads_the_spectra_of_the_clusters(made):
    table = pd.read_csv(next((made / "out").glob("*_clustershot_full.csv")))
    for cluster in range(3):
        found = pyelli.read_nexus_psi_delta(
            str(made / "all.nxs"), pyelli.NexusGroupNames(entry=f"cluster_{cluster}")
        )
        ours = table[table["cluster"] == cluster].sort_values("wavelength_nm")
        np.testing.assert_allclose(
            found.index.get_level_values("Wavelength"), ours["wavelength_nm"].unique(), rtol=1e-15
        )
        assert set(found.index.get_level_values("Angle of Incidence")) == set(ours["aoi_deg"])
        for name, quantity in (("Ψ", "Psi"), ("Δ", "Delta")):
            assert found[name].tolist() == ours[ours["quantity"] == quantity]["mean"].tolist()


def test_fits_and_clusters_are_in_the_same_file(made):
    def tiff(what):
        return tifffile.imread(next((made / "out").glob(f"*_{what}.tif")))

    table = pd.read_csv(next((made / "out").glob("*_fit.csv")))
    with h5py.File(made / "all.nxs") as file:
        entry = file["entry"]
        np.testing.assert_array_equal(entry["clusters/labels"][()], tiff("labels"))
        np.testing.assert_array_equal(entry["fit/thickness/thickness"][()], tiff("thickness"))
        np.testing.assert_array_equal(entry["fit/thickness/thickness_errors"][()], tiff("thickness_se"))
        np.testing.assert_array_equal(entry["fit/mse/mse"][()], tiff("mse"))
        assert entry["fit/thickness/thickness"].attrs["units"] == "nm"
        assert entry["fit/table/thickness_nm"][()].tolist() == table["thickness_nm"].tolist()
        assert entry["fit/settings/model"][()].decode().startswith('ambient = "air"')
        errors = entry.parent["cluster_1/data_collection/measured_data_errors"][()]
        assert np.isfinite(errors).all()
        assert file["cluster_1/instrument"] == entry["instrument"]


def test_what_the_definition_asks_for_is_told_or_listed(made, tmp_path):
    with h5py.File(made / "all.nxs") as file:
        entry = file["entry"]
        assert entry["definition"][()] == b"NXellipsometry"
        assert entry["experiment_type"][()] == b"ellipsometry"
        assert entry["start_time"][()] == b"2026-01-01T12:00:00+01:00"
        assert entry["sample/name"][()] == b"wafer 7"
        assert entry["instrument/device_information"].attrs["NX_class"] == "NXfabrication"
        listed = [name.decode() for name in entry["ellimaps/left_empty"][()]]
    told = ("ellipsometry_experiment_type", "start_time", "user/name", "sample/substrate")
    assert set(listed) == {
        field for field in ASKED if field not in told and "rotating" not in field and "vendor" not in field
    }
    facts = json.loads((made / "all_export.json").read_text())
    assert facts["left_empty"] == listed
    assert set(facts["inputs_sha256"]) >= {"facts.toml"}
    untold = export_nexus(made / "maps", tmp_path / "bare.nxs")
    assert untold[:2] == [
        "ellipsometry_experiment_type",
        "instrument/rotating_element/rotating_element_type",
    ]
    with h5py.File(tmp_path / "bare.nxs") as file:
        assert "start_time" not in file["entry"]


def test_the_command_prints_what_is_left_empty(made, tmp_path):
    out = tmp_path / "a.nxs"
    done = CliRunner().invoke(cli, ["export", str(made / "maps"), str(out)])
    assert "ellipsometry_experiment_type (required)" in done.stdout
    done = CliRunner().invoke(cli, ["export", str(made / "maps"), str(out), "--json"])
    assert json.loads(done.stdout)["left_empty"][0] == "ellipsometry_experiment_type"
    done = CliRunner().invoke(cli, ["export", str(made / "maps"), str(out), "--labels", "x.tif"])
    assert "--labels does not go with a.nxs" in str(done.exception)


def test_the_same_maps_give_the_same_bytes(made, tmp_path):
    for name in ("one", "two"):
        export_nexus(made / "maps", tmp_path / name / "a.nxs", results=made / "out")
    assert (tmp_path / "one" / "a.nxs").read_bytes() == (tmp_path / "two" / "a.nxs").read_bytes()


def test_results_of_other_maps_are_refused(made, tmp_path):
    write_small(tmp_path / "film")
    with pytest.raises(SettingError, match="holds no results about"):
        export_nexus(tmp_path / "film", tmp_path / "a.nxs", results=made / "out")
    out = tmp_path / "out"
    out.mkdir()
    for file in (made / "out").iterdir():
        (out / file.name).write_bytes(file.read_bytes())
    listing = next(out.glob("*_segmentation.json"))
    facts = json.loads(listing.read_text())
    facts["inputs_sha256"] = {"other": "0" * 64}
    listing.write_text(json.dumps(facts))
    with pytest.raises(SettingError, match="about other maps") as caught:
        export_nexus(made / "maps", tmp_path / "a.nxs", results=out)
    assert one_sentence(caught)
    assert not (tmp_path / "a.nxs").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nonsense = 1", "none of the fields"),
        ("[instrument.rotating_element]\nrotating_element_type = 'left'", "write one of"),
        ("start_time = 2026-01-01T12:00:00", "without its time zone"),
        ("start_time = 'noon'", "without its time zone"),
        ("user = ['a', 'b']", "is a list"),
        ("a = ", "not valid TOML"),
    ],
)
def test_facts_that_do_not_fit_are_told(tmp_path, text, says):
    (tmp_path / "facts.toml").write_text(text)
    with pytest.raises((SettingError, ReadError), match=says):
        read_facts(tmp_path / "facts.toml")


def test_pictures_are_no_maps(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((4, 5), np.uint8))
    with pytest.raises(SettingError, match="no set of Delta and Psi maps") as caught:
        export_nexus(tmp_path / "a.tif", tmp_path / "a.nxs")
    assert one_sentence(caught)


def _record_of(content):
    end = len(content) - SEAL_BYTES
    length = int(content[end - 16 : end])
    start = end - len(footer({})) + len(b"{}") - length
    return json.loads(content[start : start + length]), content[:start]


def _resealed(path, record, before):
    path.write_bytes(before + footer(record))
    seal(path)


def _changed(**changes):
    return lambda record: record.update(changes)


def _starts(change):
    def changed(record):
        record["bands"]["start"] = change(record["bands"]["start"])

    return changed


@pytest.mark.parametrize(
    "harm",
    [
        _changed(shape=[10**9, 10**9]),
        _changed(shape=[0, 40]),
        _changed(shape="big"),
        _changed(shape=[1e400, 2]),
        _changed(bands={"quantity": ["Delta"], "start": [10**12]}),
        _changed(bands=3),
        _changed(acquired_at="noon"),
        _starts(lambda starts: [-4, *starts[1:]]),
        _starts(lambda starts: [starts[0]] * len(starts)),
        lambda record: record.pop("bands"),
    ],
)
def test_harm_is_refused_in_one_sentence(made, tmp_path, harm):
    record, before = _record_of((made / "all.nxs").read_bytes())
    harm(record)
    _resealed(tmp_path / "a.nxs", record, before)
    with pytest.raises(ReadError, match="is damaged") as caught:
        open_stack(tmp_path / "a.nxs")
    assert one_sentence(caught)


def test_a_changed_byte_is_told(made, tmp_path):
    content = bytearray((made / "all.nxs").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "a.nxs").write_bytes(content)
    with pytest.raises(ReadError, match="at its end") as caught:
        open_stack(tmp_path / "a.nxs")
    assert one_sentence(caught)


@pytest.mark.parametrize("ends", [20_000, -1])
def test_a_file_that_was_cut_or_is_of_others_holds_no_maps(made, tmp_path, ends):
    (tmp_path / "a.nxs").write_bytes((made / "all.nxs").read_bytes()[:ends])
    with pytest.raises(ReadError, match="holds no maps that ellimaps wrote") as caught:
        open_stack(tmp_path / "a.nxs")
    assert one_sentence(caught)


def test_reading_needs_no_library_and_writing_names_the_extra(made, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    open_stack(made / "all.nxs")
    with pytest.raises(MissingExtraError, match=r"ellimaps\[nexus\]"):
        export_nexus(made / "maps", tmp_path / "a.nxs")
