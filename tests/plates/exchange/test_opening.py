"""Profiles of CellProfiler, pycytominer and several plates: opened as they were made, or refused."""

from __future__ import annotations

import dataclasses
import gzip
import json
import sqlite3
from contextlib import closing

import numpy as np
import pandas as pd
import pycytominer
import pytest
from support.cellprofiler_run import LAYOUT, MEASURES, OBJECTS, tables, write_csv, write_sqlite
from support.plates_profiles import FEATURES, profiles
from support.small_plate import small_plate
from support.stacks import one_sentence
from typer.testing import CliRunner

from ellimaps.cli import cli
from ellimaps.core.errors import ReadError, SettingError
from ellimaps.plates.exchange import tables as table_module
from ellimaps.plates.exchange.cytomining import cytomining_names, write_cytomining
from ellimaps.plates.exchange.opening import join_profiles, open_profiles
from ellimaps.plates.measuring.profiles import read_profiles, save_profiles
from ellimaps.plates.statistics.answers import answers


@pytest.fixture
def layout(tmp_path):
    path = tmp_path / "layout.csv"
    path.write_text(LAYOUT)
    return path


def expect(found, truth):
    features = [name for name in truth if name not in ("well", "field")]
    assert sorted(found.features) == sorted(features)
    rows = found.fields.merge(truth, on=["well", "field"], suffixes=("", "_truth"))
    assert len(rows) == len(truth) == len(found.fields)
    for name in features:
        np.testing.assert_array_equal(rows[name], rows[f"{name}_truth"])


@pytest.mark.parametrize("prefix", ["MyExpt_", ""])
def test_csv_per_object_gives_medians_of_fields(tmp_path, layout, prefix):
    made, truth = tables()
    found = open_profiles(write_csv(tmp_path / "run", made, prefix), layout)
    expect(found, truth)
    assert found.wells["plate"].unique().tolist() == ["P1"]
    assert found.wells["compound"].tolist() == ["DMSO", "Taxol", "DMSO", "Taxol"]
    assert found.wells["n_fields"].tolist() == [2, 2, 2, 2]
    assert found.facts["channels"] == ["DNA"]
    assert len(found.facts["inputs_sha256"]) == 4


@pytest.mark.parametrize("prefix", ["MyExpt_Per_", "Per_", ""])
def test_databases_give_the_same_as_csv(tmp_path, layout, prefix):
    made, truth = tables()
    path = write_sqlite(tmp_path / "run.sqlite", made, prefix)
    before = sorted(tmp_path.iterdir())
    expect(open_profiles(path, layout), truth)
    assert sorted(tmp_path.iterdir()) == before


def test_one_table_of_all_objects_is_read(tmp_path, layout):
    made, truth = tables()
    both = made["Cells"].add_prefix("Cells_").join(made["Nuclei"].add_prefix("Nuclei_"))
    both = both.assign(ImageNumber=made["Cells"]["ImageNumber"], ObjectNumber=1)
    with closing(sqlite3.connect(tmp_path / "run.db")) as database:
        made["Image"].rename(columns=lambda name: name if name == "ImageNumber" else f"Image_{name}").to_sql(
            "Per_Image", database, index=False
        )
        both.to_sql("Per_Object", database, index=False)
    expect(open_profiles(tmp_path / "run.db", layout), truth.drop(columns="Nuclei_Number_Count"))


def test_parts_of_a_table_change_nothing(tmp_path, layout, monkeypatch):
    made, truth = tables()
    monkeypatch.setattr(table_module, "_ROWS", 5)
    expect(open_profiles(write_csv(tmp_path / "run", made), layout), truth)
    expect(open_profiles(write_sqlite(tmp_path / "run.sqlite", made), layout), truth)


def test_images_of_several_runs_are_told_apart(tmp_path, layout):
    (first, truth), (second, other) = tables("P1", 1), tables("P2", 2)
    both = {
        name: pd.concat([first[name].assign(TableNumber=11), second[name].assign(TableNumber=22)])
        for name in first
    }
    found = open_profiles(write_sqlite(tmp_path / "both.sqlite", both, ""), layout)
    for plate, known in (("P1", truth), ("P2", other)):
        rows = found.fields[found.fields["plate"] == plate]
        np.testing.assert_array_equal(rows["Cells_AreaShape_Area"], known["Cells_AreaShape_Area"])


def test_objects_without_their_table_number_are_refused(tmp_path, layout):
    (first, _), (second, _) = tables("P1", 1), tables("P2", 2)
    both = {
        name: pd.concat([first[name].assign(TableNumber=11), second[name].assign(TableNumber=22)])
        for name in first
    }
    both["Cells"] = both["Cells"].drop(columns="TableNumber")
    with pytest.raises(ReadError, match="table Cells has no TableNumber") as error:
        open_profiles(write_sqlite(tmp_path / "both.sqlite", both, ""), layout)
    assert one_sentence(error)


def test_images_without_objects_have_none(tmp_path, layout):
    made, _ = tables()
    made["Cells"] = made["Cells"][made["Cells"]["ImageNumber"] != 3]
    found = open_profiles(write_csv(tmp_path / "run", made), layout)
    row = found.fields.query("well == 'A02' and field == 1").iloc[0]
    assert row["Cells_Number_Count"] == 0
    assert np.isnan(row["Cells_AreaShape_Area"])
    assert np.isfinite(row["Nuclei_AreaShape_Area"])


def test_sites_are_numbered_where_nobody_says_them(tmp_path, layout):
    made, truth = tables()
    made["Image"] = made["Image"].drop(columns="Metadata_Site")
    expect(open_profiles(write_csv(tmp_path / "run", made), layout), truth)


def test_what_pycytominer_makes_of_ours_is_opened(tmp_path):
    made = profiles(3, plates=("p", "q"))
    write_cytomining(made, tmp_path)
    wells = pd.read_parquet(tmp_path / "cytomining_wells.parquet")
    normal = pycytominer.normalize(wells, method="standardize")
    pycytominer.cyto_utils.output(normal, tmp_path / "n.csv.gz", float_format=None)
    pycytominer.cyto_utils.output(normal, tmp_path / "n.parquet", output_type="parquet")
    normal.to_csv(tmp_path / "n.csv", index=False)
    names = cytomining_names(FEATURES)
    for suffix in ("csv", "csv.gz", "parquet"):
        found = open_profiles(tmp_path / f"n.{suffix}")
        assert found.features == tuple(names.values())
        about = ["plate", "well", "row", "column", "compound", "concentration", "control"]
        key = ["plate", "row", "column"]
        pd.testing.assert_frame_equal(
            found.wells[about].sort_values(key, ignore_index=True),
            made.wells[about].sort_values(key, ignore_index=True),
            check_dtype=False,
        )
        expected = normal.sort_values(["Metadata_Plate", "Metadata_Row", "Metadata_Column"])
        for name in names.values():
            np.testing.assert_allclose(found.wells[name], expected[name], rtol=1e-12)


def test_our_fields_come_back_as_they_left(tmp_path):
    made = small_plate(tmp_path)
    write_cytomining(made, tmp_path)
    found = open_profiles(tmp_path / "cytomining_fields.parquet")
    names = cytomining_names(made.features)
    for level in ("fields", "wells"):
        own = getattr(made, level).rename(columns=names)
        pd.testing.assert_frame_equal(
            getattr(found, level)[list(names.values())], own[list(names.values())], check_exact=True
        )
    ours, theirs = (answers(one).compounds.drop(columns="concentration_unit") for one in (made, found))
    pd.testing.assert_frame_equal(ours, theirs)


def test_a_table_of_cells_gives_medians(tmp_path, layout):
    made, truth = tables()
    cells = made["Cells"].add_prefix("Cells_").join(made["Nuclei"].add_prefix("Nuclei_"))
    about = made["Image"].loc[made["Cells"]["ImageNumber"] - 1].reset_index(drop=True)
    # As CytoTable calls them, and in no order.
    cells["Metadata_ImageNumber"] = about["ImageNumber"]
    cells["Image_Metadata_Plate"], cells["Image_Metadata_Well"] = "P1", about["Metadata_Well"]
    cells = cells.drop(columns=["Cells_ImageNumber", "Nuclei_ImageNumber"])
    shuffled = cells.sample(frac=1, random_state=0).sort_values("Metadata_ImageNumber", kind="stable")
    shuffled.to_parquet(tmp_path / "cells.parquet", index=False)
    expect(open_profiles(tmp_path / "cells.parquet", layout), truth.drop(columns="Nuclei_Number_Count"))


def test_a_profile_of_wells_may_have_numbers_of_objects(tmp_path):
    text = "Metadata_Well,Metadata_compound,Cells_Number_Object_Number,Cells_X\nA01,DMSO,7,1\nA02,x,9,2\n"
    (tmp_path / "a.csv").write_text(text)
    assert open_profiles(tmp_path / "a.csv").features == ("Cells_X",)


def test_metadata_of_the_broad_institute_are_understood(tmp_path):
    table = pd.DataFrame(
        {
            "Metadata_Assay_Plate_Barcode": ["b1"] * 4,
            "Metadata_well_position": ["A01", "A02", "A03", "A04"],
            "Metadata_pert_iname": ["DMSO", "x", "y", "DMSO"],
            "Metadata_mmoles_per_liter": [np.nan, 2.5, 5.0, np.nan],
            "Metadata_control_type": ["negcon", "poscon_cp", "", "negcon"],
            "Cells_AreaShape_Area": [1.0, 2, 3, 4],
        }
    )
    table.to_csv(tmp_path / "a.csv", index=False)
    wells = open_profiles(tmp_path / "a.csv").wells
    assert wells["plate"].unique().tolist() == ["b1"]
    assert wells["control"].tolist() == [True, False, False, True]
    assert wells["positive"].tolist() == [False, True, False, False]
    assert wells["concentration"].tolist()[1:3] == [2.5, 5.0]
    assert wells["concentration_unit"].tolist()[1] == "mM"


def test_plates_are_joined_with_their_pictures(tmp_path):
    first, second = small_plate(tmp_path / "one"), small_plate(tmp_path / "two", seed=4)
    second.fields["plate"] = second.wells["plate"] = "other"
    for name, part in (("a", first), ("b", second)):
        save_profiles(part, tmp_path / name)
    found = open_profiles([tmp_path / "a", tmp_path / "b"])
    assert found.wells["plate"].unique().tolist() == ["small", "other"]
    root = tmp_path / "one" / ".."
    assert found.facts["root"] == str(root.resolve())
    for files in found.fields["files"]:
        assert all((tmp_path / name).is_file() for name in files.split(";"))
    np.testing.assert_array_equal(
        found.wells[list(found.features)], pd.concat([first.wells, second.wells])[list(first.features)]
    )
    with pytest.raises(SettingError, match="Two sources have a plate small") as error:
        join_profiles([first, first])
    assert one_sentence(error)


def test_features_that_not_all_have_are_left_out_and_said():
    first, second = profiles(1), profiles(2, plates=("other",))
    fewer = dataclasses.replace(second, features=second.features[:4])
    found = join_profiles([first, fewer])
    assert found.features == FEATURES[:4]
    assert any("8 features are not in all plates" in note for note in found.facts["mismatches"])
    with pytest.raises(SettingError, match="no feature in common"):
        join_profiles([first, dataclasses.replace(second, features=())])


def test_the_command_writes_profiles_that_the_others_read(tmp_path, layout):
    runs = []
    for number in range(3):
        made, _ = tables(f"P{number}", number)
        runs.append(str(write_csv(tmp_path / f"run{number}", made)))
    out = tmp_path / "out"
    arguments = [
        "plates",
        "open",
        *runs,
        "--layout",
        str(layout),
        "--out",
        str(out),
        "--names",
        "cellprofiler",
    ]
    result = CliRunner().invoke(cli, [*arguments, "--json"], catch_exceptions=False)
    facts = json.loads(result.stdout)
    assert (facts["n_plates"], facts["n_wells"], facts["n_fields"]) == (3, 12, 24)
    assert facts["n_features"] == len(OBJECTS) * (len(MEASURES) + 1)
    assert (out / "cytomining_wells.parquet").exists()
    assert len(read_profiles(out).wells) == 12
    assert CliRunner().invoke(cli, ["plates", "embed", str(out)], catch_exceptions=False).exit_code == 0
    assert "24 fields of 12 wells" in CliRunner().invoke(cli, arguments).stdout
    save_profiles(small_plate(tmp_path), tmp_path / "measured")
    with pytest.raises(SettingError, match="measured holds profiles that were measured") as error:
        CliRunner().invoke(
            cli, ["plates", "open", str(out), "--out", str(tmp_path / "measured")], catch_exceptions=False
        )
    assert one_sentence(error)


def damaged(name, change):
    """A run whose table `name` is changed."""
    made, _ = tables()
    made[name] = change(made[name])
    return made


WRONG = {
    "no well": (
        damaged("Image", lambda table: table.drop(columns="Metadata_Well")),
        "no column Metadata_Well",
    ),
    "no number of images": (
        damaged("Image", lambda table: table.drop(columns="ImageNumber")),
        "no table of images",
    ),
    "a wrong well": (
        damaged("Image", lambda table: table.replace({"Metadata_Well": {"A02": "hello"}})),
        r"MyExpt_Image.csv, line 4: 'hello' is no well",
    ),
    "a field twice": (
        damaged("Image", lambda table: table.replace({"Metadata_Site": {2: 1}})),
        r"MyExpt_Image.csv, line 3: the well A01 \(field 1\) of the plate P1 stands in line 2 already",
    ),
    "an image twice": (
        damaged("Image", lambda table: table.replace({"ImageNumber": {5: 4}})),
        "MyExpt_Image.csv, line 6: the image of line 5 stands there again",
    ),
    "an image without a number": (
        damaged("Image", lambda table: table.replace({"ImageNumber": {4: np.nan}})),
        "MyExpt_Image.csv, line 5: the image has no number",
    ),
    "no images": (damaged("Image", lambda table: table[:0]), "holds no images"),
    "no objects": (
        {"Image": tables()[0]["Image"]},
        "holds no measurements of objects",
    ),
    "a word for a number": (
        damaged("Cells", lambda table: table.astype({"AreaShape_Area": object}).replace(
            {"AreaShape_Area": {table["AreaShape_Area"][4]: "large"}}
        )),
        "MyExpt_Cells.csv, line 6: 'large' in AreaShape_Area is no number",
    ),
    "an image that is not there": (
        damaged("Nuclei", lambda table: table.replace({"ImageNumber": {8: 9}})),
        "MyExpt_Nuclei.csv, line 51: the table of images does not have its image",
    ),
    "a site called first": (
        damaged("Image", lambda table: table.assign(Metadata_Site="first")),
        "line 2: 'first' is no number of a field",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_wrong_runs_are_refused_with_the_line(tmp_path, layout, what):
    made, reason = WRONG[what]
    with pytest.raises(ReadError, match=reason) as error:
        open_profiles(write_csv(tmp_path / "run", made), layout)
    assert one_sentence(error)


def test_objects_in_disorder_are_refused(tmp_path, layout, monkeypatch):
    monkeypatch.setattr(table_module, "_ROWS", 5)
    made = damaged("Nuclei", lambda table: pd.concat([table[3:], table[:3]]))
    reason = "MyExpt_Nuclei.csv, line 55: the objects of an image do not stand together"
    with pytest.raises(ReadError, match=reason) as error:
        open_profiles(write_csv(tmp_path / "run", made), layout)
    assert one_sentence(error)


def test_databases_that_are_none_are_refused(tmp_path, layout):
    sqlite3.connect(tmp_path / "empty.sqlite").executescript("CREATE TABLE a (b); DROP TABLE a;").close()
    path = write_sqlite(tmp_path / "no_rows.sqlite", {name: table[:0] for name, table in tables()[0].items()})
    cut = tmp_path / "cut.sqlite"
    cut.write_bytes(write_sqlite(tmp_path / "whole.sqlite", tables()[0]).read_bytes()[:6000])
    for one, reason in (
        (tmp_path / "empty.sqlite", "no table of images"),
        (path, "table MyExpt_Per_Image holds no images"),
        (cut, "is damaged"),
    ):
        with pytest.raises(ReadError, match=reason) as error:
            open_profiles(one, layout)
        assert one_sentence(error)


def test_tables_that_are_none_are_refused(tmp_path):
    head = "Metadata_Well,Metadata_compound,Cells_X\n"
    for text, reason in (
        ("", "is no table"),
        ("a,b\n1,2\n", "no column Metadata_Well"),
        (head, "has no rows"),
        (
            head + "A01,DMSO,1\nA02,x,2\nA01,DMSO,3\n",
            r"a.csv, line 4: the well A01 \(field 1\).* stands in line 2",
        ),
        (head + "A01,DMSO,nan\nA02,x,\n", "no value of any feature"),
        (head + "A01,DMSO,1\nA02,x,2,3\n", "line 3"),
        (head + "A01,DMSO,1,9\nA02,x,2,9\n", "line 2, has more values than the header"),
        (head + "A01,DMSO,1\n\nA02,x,abc\n", "a.csv, line 4: 'abc' in Cells_X is no number"),
        ("Metadata_Well,Cells_X\nA01,1\n", "does not say what is in the wells: give the layout"),
        ("Metadata_Well,Metadata_compound\nA01,x\n", "no features beside its metadata"),
    ):
        (tmp_path / "a.csv").write_text(text)
        with pytest.raises(ReadError, match=reason) as error:
            open_profiles(tmp_path / "a.csv")
        assert one_sentence(error)
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"Metadata_Well," + b"x" * (8 << 20)))
    with pytest.raises(ReadError, match="too long"):
        open_profiles(tmp_path / "bomb.csv.gz")
    with pytest.raises(ReadError, match="holds no profiles"):
        open_profiles(tmp_path)


def test_features_without_a_value_are_left_out_and_said(tmp_path):
    (tmp_path / "a.csv").write_text("Metadata_Well,Metadata_compound,Cells_X,Cells_Y\nA01,DMSO,1,\nA02,x,,\n")
    found = open_profiles(tmp_path / "a.csv")
    assert found.features == ("Cells_X",)
    assert found.facts["mismatches"] == [
        "1 features have no value in any field and are left out: Cells_Y.",
        "1 wells have a field without any value: A02.",
    ]


def test_a_damaged_gzip_is_refused(tmp_path):
    whole = bytearray(gzip.compress(b"Metadata_Well,Metadata_compound,Cells_X\nA01,DMSO,1\n" * 50))
    for place in (12, 15, 20):
        (tmp_path / "a.csv.gz").write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with pytest.raises(ReadError, match="is no table") as error:
            open_profiles(tmp_path / "a.csv.gz")
        assert one_sentence(error)


def test_a_database_that_is_being_written_is_refused_and_left_alone(tmp_path, layout):
    path = write_sqlite(tmp_path / "run.sqlite", tables()[0])
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("UPDATE MyExpt_Per_Image SET Image_Metadata_Plate = 'other'")
        writer.commit()
        with pytest.raises(ReadError, match="is being written") as error:
            open_profiles(path, layout)
    assert one_sentence(error)
    before = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    assert open_profiles(path, layout).wells["plate"].unique().tolist() == ["other"]
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == before
