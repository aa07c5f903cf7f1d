"""Names of plates: what Harmony, ImageXpress and patterns say; layouts; wells of all plates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from hypothesis import given, strategies as st
from support.small_plate import small_plate
from support.zarr_stores import pixels, write_image, write_plate

from ellimaps.core.errors import ReadError, SettingError
from ellimaps.plates.measuring.field import measure_field
from ellimaps.plates.measuring.file_names import read_plate_files
from ellimaps.plates.measuring.layout import read_layout
from ellimaps.plates.measuring.pictures import picture_values
from ellimaps.plates.measuring.plate import read_plate
from ellimaps.plates.measuring.thumbnails import field_picture, field_pixel_um
from ellimaps.plates.measuring.wells import (
    PLATE_SHAPES,
    plate_shape,
    row_letters,
    row_number,
    well_name,
    well_position,
)

UUID = "0F3A9C1B-12AB-4CDE-89AB-0123456789AB"


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return root


@given(st.integers(1, 32), st.integers(1, 48))
def test_wells_have_one_name(row, column):
    assert well_position(well_name(row, column)) == (row, column)
    assert row_number(row_letters(row)) == row


def test_rows_beyond_z_have_two_letters():
    assert [well_name(26, 1), well_name(27, 1), well_name(32, 48)] == ["Z01", "AA01", "AF48"]
    assert well_position("aa-7") == (27, 7)


@pytest.mark.parametrize("name", ["", "A", "A0", "A49", "AG01", "1A", "A1.5"])
def test_what_is_no_well_is_refused(name):
    with pytest.raises(ReadError):
        well_position(name)


@pytest.mark.parametrize(("wells", "shape"), PLATE_SHAPES.items())
def test_the_last_well_tells_the_plate(wells, shape):
    assert plate_shape([shape, (1, 1)]) == shape
    assert shape[0] * shape[1] == wells


def test_harmony_names(tmp_path):
    touch(tmp_path, "Images/r02c11f03p01-ch2sk1fk1fl1.tiff", "Images/r02c11f03p02-ch10sk4fk1fl1.tiff")
    found = read_plate_files(tmp_path)
    assert found.naming == "harmony"
    assert found.table.iloc[:, :-1].to_numpy().tolist() == [
        ["B11", 2, 11, 3, "2", 1, 1],
        ["B11", 2, 11, 3, "10", 2, 4],
    ]


def test_merged_pictures_count_where_there_are_no_channels(tmp_path):
    touch(tmp_path, "r01c01f01p01-sk1fk1fl1.tiff")
    assert read_plate_files(tmp_path).table["channel"].tolist() == ["merged"]
    touch(tmp_path, "r01c01f01p01-ch1sk1fk1fl1.tiff")
    found = read_plate_files(tmp_path)
    assert found.table["channel"].tolist() == ["1"]
    assert found.skipped == ("r01c01f01p01-sk1fk1fl1.tiff",)


def test_imagexpress_names_without_thumbnails(tmp_path):
    touch(
        tmp_path,
        "TimePoint_2/ZStep_3/my_exp_B07_s4_w2.TIF",
        f"plain_C08_s1_w1{UUID}.tif",
        f"plain_C08_s1_w1_thumb{UUID}.tif",
    )
    found = read_plate_files(tmp_path)
    assert found.naming == "imagexpress"
    rows = found.table[["well", "field", "channel", "z", "time"]].to_numpy().tolist()
    assert rows == [["B07", 4, "2", 3, 2], ["C08", 1, "1", 1, 1]]
    assert found.skipped == (f"plain_C08_s1_w1_thumb{UUID}.tif",)


def test_imagexpress_names_of_one_site_and_wavelength(tmp_path):
    touch(tmp_path, "one_D09.tif")
    found = read_plate_files(tmp_path)
    assert found.table[["well", "field", "channel"]].to_numpy().tolist() == [["D09", 1, "merged"]]


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("{well}_s{field}_w{channel}", "B7_s4_wGFP.tif"),
        ("{row}{column}-{field}-{channel}.png", "B07-4-GFP.png"),
        ("r{row}c{column}/*_{channel}_{field}", "r2c7/x_GFP_4.tif"),
        ("***_{well}_*s{field}_**x*_{channel}", "a_b_B7_1_s4_xx_x_GFP.tif"),
    ],
)
def test_patterns_name_the_fields(tmp_path, pattern, name):
    touch(tmp_path, name, "else.tif")
    found = read_plate_files(tmp_path, pattern)
    assert found.table[["well", "field", "channel"]].to_numpy().tolist() == [["B07", 4, "GFP"]]
    assert found.skipped == ("else.tif",)


@pytest.mark.parametrize("pattern", ["{well}*******b", "{well}" + "*a" * 12 + "*b"])
def test_no_pattern_takes_for_ever(tmp_path, pattern):
    touch(tmp_path, f"A01{'a' * 200}.tif")
    with pytest.raises(ReadError, match="give a pattern"):
        read_plate_files(tmp_path, pattern)


@pytest.mark.parametrize("pattern", ["{field}", "{well}_{well}", "{well}_{dose}", "{well}_{field"])
def test_patterns_that_are_none(tmp_path, pattern):
    touch(tmp_path, "A01.tif")
    with pytest.raises(SettingError):
        read_plate_files(tmp_path, pattern)


def test_two_pictures_of_one_place_are_refused(tmp_path):
    touch(tmp_path, "a/r01c01f01p01-ch1sk1fk1fl1.tiff", "b/r01c01f01p01-ch1sk1fk1fl1.tiff")
    with pytest.raises(ReadError, match="are both A01, field 1"):
        read_plate_files(tmp_path)


def test_folders_without_a_plate_are_told(tmp_path):
    with pytest.raises(ReadError, match="holds no TIFF"):
        read_plate_files(tmp_path)
    touch(tmp_path, "cat.tif")
    with pytest.raises(ReadError, match=r"cat\.tif.*give a pattern"):
        read_plate_files(tmp_path)
    with pytest.raises(ReadError, match="is not a folder"):
        read_plate_files(tmp_path / "none")


def test_layouts_in_csv_and_xlsx_say_the_same(tmp_path):
    table = pd.DataFrame(
        {"Well": ["b2", "A1"], "Compound": ["DMSO", "Rotenone"], "Concentration (µM)": ["", "2.5"]}
    )
    table.to_csv(tmp_path / "a.csv", index=False, sep=";")
    table.to_excel(tmp_path / "a.xlsx", index=False)
    found = read_layout(tmp_path / "a.csv")
    pd.testing.assert_frame_equal(found, read_layout(tmp_path / "a.xlsx"))
    assert found["well"].tolist() == ["A01", "B02"]
    assert found["concentration"].tolist()[0] == 2.5
    assert np.isnan(found["concentration"].iloc[1])
    assert found["concentration_unit"].tolist() == ["µM", "µM"]
    assert found["control"].tolist() == [False, True]


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("well,compound,concentration_um\nA01,x,1\n", "µM"),
        ("well,compound,conc_nM\nA01,x,1\n", "nM"),
        ("row,column,treatment,dose,unit\nA,1,x,1,mg/ml\n", "mg/mL"),
    ],
)
def test_units_come_from_the_name_or_a_column(tmp_path, text, unit):
    (tmp_path / "a.csv").write_text(text)
    found = read_layout(tmp_path / "a.csv")
    assert found[["well", "concentration", "concentration_unit"]].to_numpy().tolist() == [["A01", 1.0, unit]]


def test_a_layout_saved_by_excel_in_german_says_the_same(tmp_path):
    text = "Well;Compound;Concentration (µM);Control\nA1;DMSO;;1\na02;Süß;3,125;0\nA3;Süß;6,25;0\n"
    (tmp_path / "a.csv").write_bytes(text.encode("cp1252"))
    found = read_layout(tmp_path / "a.csv")
    assert list(found["concentration"])[1:] == [3.125, 6.25]
    assert list(found["compound"]) == ["DMSO", "Süß", "Süß"]
    assert set(found["concentration_unit"]) == {"µM"}


def test_columns_written_as_decimals_are_columns(tmp_path):
    (tmp_path / "a.csv").write_text("row,column,compound\n2,3.0,X\n", encoding="utf-8")
    assert list(read_layout(tmp_path / "a.csv")["well"]) == ["B03"]


def test_a_folder_is_no_layout(tmp_path):
    with pytest.raises(ReadError, match="is a folder: give the plate's layout, a CSV or XLSX file"):
        read_layout(tmp_path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no table"),
        ("well,compound\n", "no rows"),
        ("well\nA01\n", "no column compound"),
        ("compound\nx\n", "no column well"),
        ("well,compound\nA01,x\na1,y\n", "A01 twice, in rows 2 and 3"),
        ("\nwell,compound\n\nA01,x\n,\na1,y\n", "A01 twice, in rows 4 and 6"),
        ("\n\nwell,compound\n\nA01,x\n\nQ99,y\n", "row 7: "),
        ("well,compound,concentration\n\nA01,x,1\n\nA02,x,much\n", "row 5: 'much' is no concentration"),
        ("well,compound,control\n\nA01,x,0\n\nA02,x,perhaps\n", "row 5: 'perhaps' says not"),
        ("well,compound\nQ99,x\n", "row 2"),
        ("well,compound,concentration\nA01,x,much\n", "'much' is no concentration"),
        ('well,compound,concentration\nA01,x,"1,000"\n', "write 1000 or 1.000"),
        ("row,column,compound\n1,two,x\n", "row 2: 'two' is no column"),
        ("well,compound,control\nA01,x,perhaps\n", "'perhaps' says not"),
    ],
)
def test_layouts_that_are_wrong_say_where(tmp_path, text, reason):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ReadError, match=reason):
        read_layout(tmp_path / "a.csv")


@pytest.mark.parametrize("content", [b"PK\3\4broken", b"\xff\xfe\0", b"\0" * 100])
@pytest.mark.parametrize("name", ["a.csv", "a.xlsx"])
def test_damaged_layouts_are_told(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ReadError):
        read_layout(tmp_path / name)


def test_lines_are_those_of_the_file(tmp_path):
    (tmp_path / "a.csv").write_text("well,compound\nA01,x\n\nZ,y\n")
    with pytest.raises(ReadError, match=r"a\.csv, row 4: 'Z' is no well"):
        read_layout(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_text("well,compound\nA01,x,1\nA02,y,2\n")
    with pytest.raises(ReadError, match="more values than the header"):
        read_layout(tmp_path / "a.csv")


def test_positive_controls_are_no_controls_to_compare_with(tmp_path):
    (tmp_path / "a.csv").write_text("well,compound,control\nA1,DMSO,negcon\nA2,Taxol,poscon\nA3,x,trt\n")
    found = read_layout(tmp_path / "a.csv")
    assert found["control"].tolist() == [True, False, False]
    assert found["positive"].tolist() == [False, True, False]
    (tmp_path / "b.csv").write_text("well,compound\nA1,DMSO\nA2,Taxol\n")
    assert not read_layout(tmp_path / "b.csv")["positive"].any()


@pytest.mark.parametrize("inside", [True, False])
def test_an_ome_zarr_plate_is_profiled_as_its_pictures(tmp_path, inside):
    made = small_plate(tmp_path, fields=2)
    fields: dict[str, list] = {}
    for row in made.fields.itertuples():
        channels = [tifffile.imread(tmp_path / "pictures" / name) for name in row.files.split(";")]
        fields.setdefault(f"{row.well[0]}{int(row.well[1:])}", []).append(np.stack(channels)[None, :, None])
    store = write_plate(tmp_path / "zarr" / "small.ome.zarr", fields)
    wells = "".join(f"{well},DMSO,,1\n" for well in sorted(set(made.fields["well"])))
    (tmp_path / "layout.csv").write_text(f"well,compound,concentration,control\n{wells}")
    ours = read_plate(store if inside else store.parent, tmp_path / "layout.csv")
    theirs = read_plate(tmp_path / "pictures", tmp_path / "layout.csv", "{well}_f{field}_{channel}")
    assert ours.channels == ("DNA", "ER")
    assert ours.shape == theirs.shape
    for one, two in zip(ours.fields(), theirs.fields(), strict=True):
        assert one.key == two.key
        found, known = (
            measure_field(plate.root, field.files, plate.channels)
            for plate, field in ((ours, one), (theirs, two))
        )
        np.testing.assert_equal(found.features, known.features)
        pd.testing.assert_frame_equal(found.cells, known.cells)
        assert len(found.inputs) == 1
        picture = field_picture(ours.root, ";".join(name for group in one.files for name in group), 2)
        np.testing.assert_array_equal(picture, field_picture(theirs.root, ";".join(sum(two.files, ())), 2))
    assert field_pixel_um(ours.root, one.files[0][0]) == 0.325


def test_two_plates_are_one_too_many(tmp_path):
    for name in ("a.zarr", "b.zarr"):
        write_plate(tmp_path / name, {"A1": [pixels()]})
    with pytest.raises(ReadError, match="holds 2 OME-Zarr images or plates"):
        read_plate_files(tmp_path)


def test_an_image_is_no_plate(tmp_path):
    with pytest.raises(ReadError, match="is no OME-Zarr plate"):
        read_plate_files(write_image(tmp_path / "a.zarr", pixels()))


def test_a_field_with_fewer_channels_is_told(tmp_path):
    plate = write_plate(tmp_path / "p.zarr", {"A1": [pixels()], "A2": [pixels((2, 1, 3, 40, 50))]})
    last = read_plate_files(plate).table["file"].iloc[-1]
    with pytest.raises(ReadError, match="has 1 channels"):
        picture_values(plate, last)
