"""Files of spectra: real ones with their values, every format as its program writes it, refusals."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from support.stacks import one_sentence

import ellimaps
from ellimaps.core.errors import ReadError
from ellimaps.core.spectra import Spectra
from ellimaps.readers.spectra import (
    ColumnsQuestion,
    first_rows,
    looks_like_spectra,
    may_be_spectra,
    open_spectra,
)

WAVES, PSI, DELTA = [400.0, 500.0, 600.0], [30.0, 25.0, 20.0], [170.0, 190.0, 350.0]


def written(tmp_path: Path, text: str, name: str = "spot.txt") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def assert_is_the_spectrum(spectra: Spectra, delta: list[float] | None = None) -> None:
    table = spectra.table.sort_values("wavelength_nm")
    np.testing.assert_allclose(table["wavelength_nm"], WAVES, rtol=1e-6)
    np.testing.assert_allclose(table["Psi"], PSI, atol=1e-3)
    np.testing.assert_allclose(table["Delta"], delta or DELTA, atol=1e-3)


def test_a_real_region_opens_with_both_angles(shared_data: Path) -> None:
    (path,) = (shared_data / "ep4_roi").glob("*.ds.dat")
    table = ellimaps.open_spectra(path).table
    assert table["aoi_deg"].unique().tolist() == [40.0, 50.0]
    assert len(table) == 114
    assert table[["Psi", "Delta"]].iloc[0].tolist() == pytest.approx([32.535931, 179.785156])
    assert table["bandwidth_nm"].iloc[0] == 6.1
    assert table["x_mm"].iloc[0] == pytest.approx(0.417, abs=1e-3)


def test_zones_of_a_real_spot_are_averaged_as_its_instrument_does(shared_data: Path) -> None:
    path = shared_data / "spectra" / "15-1-1.dat"
    spectra = open_spectra(path)
    assert spectra.names == [0]
    assert spectra.has_positions
    rows = [line.split("\t") for line in path.read_text().splitlines()[2:]]
    own = {float(row[2]): (float(row[4]), float(row[3])) for row in rows if row[5] == "0"}
    assert len(own) == len(spectra.table) == 11
    # At three angles a zone is missing; the instrument has no mean there.
    whole = spectra.table[spectra.table["n_readings"] == 4]
    assert len(whole) == 8
    for row in whole.itertuples():
        assert (row.Psi, row.Delta) == pytest.approx(own[float(str(row.aoi_deg))], abs=1e-3)


def test_real_tables_of_other_programs_open(shared_data: Path) -> None:
    folder = shared_data / "spectra"
    cauchy = open_spectra(folder / "TestData_cauchy.txt").table
    assert (
        cauchy["aoi_deg"].unique().tolist()
        == [45, 50, 55, 60, 65, 70, 75, 80, 85][: cauchy["aoi_deg"].nunique()]
    )
    assert len(cauchy) == 99
    assert cauchy[["wavelength_nm", "Psi", "Delta"]].iloc[0].tolist() == [300.0, 39.932 + 0.44, 177.57]
    (path,) = folder.glob("WVASE_Gaussian*")
    wvase = open_spectra(path).table
    assert wvase["aoi_deg"].unique().tolist() == [40.0, 50.0, 60.0]
    assert wvase[["Psi", "Delta"]].iloc[0].tolist() == [33.156, 187.72]
    film = open_spectra(folder / "Filmsense_staticTest.txt").table
    assert len(film) == 8
    assert film["aoi_deg"].unique().tolist() == [70.012]
    assert np.cos(np.deg2rad(2 * film["Psi"])).iloc[0] == pytest.approx(
        0.60270 / film["polarization"].iloc[0], abs=2e-3
    )


@pytest.mark.parametrize("name", ["Gaussnk_fromCompleteEase.txt", "Lorentznk_fromWVASE.txt"])
def test_tables_of_n_and_k_are_no_spectra(shared_data: Path, name: str) -> None:
    with pytest.raises(ReadError, match="without titles"):
        open_spectra(shared_data / "spectra" / name)


ROWS = "400 65 30 170\n500 65 25 190\n600 65 20 350\n"
LONG = "400.0 65.0 30.0 170.0 0.1 0.2\n500.0 65.0 25.0 190.0 0.1 0.2\n600.0 65.0 20.0 350.0 0.1 0.2\n"
WOOLLAM = "A sample\nVASEmethod[EllipsometerType=4]\n"
PLAIN = {
    "titles": "wavelength_nm aoi_deg Psi Delta\n" + ROWS,
    "tabs": ("wavelength_nm aoi_deg Psi Delta\n" + ROWS).replace(" ", "\t"),
    "any order, commas": "Delta,Psi,AOI,lambda (nm)\n170,30,65,400\n190,25,65,500\n350,20,65,600\n",
    "decimal commas": "nm;AOI;Psi;Delta\n400,0;65,0;30,0;170,0\n500;65;25;190\n600;65;20;350\n",
    "no titles": ROWS,
    "angstrom": "Wavelength(Angstrom) AOI Psi Delta\n4000 65 30 170\n5000 65 25 190\n6000 65 20 350\n",
    "a comment": "# measured on Monday\n# wavelength_nm aoi_deg Psi Delta\n" + ROWS,
    "greek": "λ(nm) AOI Ψ Δ\n" + ROWS,
    "woollam": WOOLLAM + "nm\n" + LONG.replace(" ", "\t"),
    "woollam in angstrom": WOOLLAM + "Angstroms\n" + re.sub("(?m)^(.)00", r"\g<1>000", LONG),
    "completeease": WOOLLAM + "nm\n" + re.sub("(?m)^", "E ", LONG.rstrip()) + "\ndpolE 400.0 65.0 1.5\n",
    "spectraray": "Wavelength Psi Delta 65.00\n" + ROWS.replace(" 65 ", " "),
}


@pytest.mark.parametrize("text", PLAIN.values(), ids=PLAIN)
def test_the_same_spectrum_in_every_layout(tmp_path: Path, text: str) -> None:
    spectra = open_spectra(written(tmp_path, text))
    assert_is_the_spectrum(spectra)
    assert (spectra.table["aoi_deg"] == 65).all()


def test_errors_and_depolarization_of_a_file_are_kept(tmp_path: Path) -> None:
    table = open_spectra(written(tmp_path, PLAIN["completeease"])).table
    assert table["Psi_sd"].tolist() == [0.1, 0.1, 0.1]
    assert table["depolarization"].iloc[0] == 1.5
    assert table["depolarization"].isna().tolist() == [False, True, True]


KINETIC = """
VASEmethod[EllipsometerType=4, CompleteEASE=3.65, AcqTime=0.978]
nm
400.000\t65.000\t30.0000\t170.0000\t0.0140\t0.0318\t\t0.0500
500.000\t65.000\t25.0000\t190.0000\t0.0130\t0.0295\t\t0.0500
600.000\t65.000\t20.0000\t350.0000\t0.0130\t0.0295\t\t0.0500
400.000\t65.000\t31.0000\t171.0000\t0.0140\t0.0318\t\t0.1500
500.000\t65.000\t26.0000\t191.0000\t0.0130\t0.0295\t\t0.1500
600.000\t65.000\t21.0000\t351.0000\t0.0130\t0.0295\t\t0.1500
"""


def test_spectra_of_a_time_series_are_not_averaged(tmp_path: Path) -> None:
    spectra = open_spectra(written(tmp_path, KINETIC))
    assert spectra.names == [0, 1]
    assert [spectra.one(name)["time_s"].unique().tolist() for name in spectra.names] == [[3.0], [9.0]]
    assert spectra.one(1)["Psi"].tolist() == [31.0, 26.0, 21.0]
    assert spectra.one(1)["Psi_sd"].tolist() == [0.014, 0.013, 0.013]


def test_depolarization_belongs_to_the_row_before_it(tmp_path: Path) -> None:
    text = "\nVASEmethod[EllipsometerType=4]\nnm\n" + "".join(
        f"{wave:.3f}\t70.000\t{psi}\t{delta}\t0.01\t0.03\t\ndPolE\t{wave:.3f}\t0.000\t{lost}\t1.0\n"
        f"uR\t{wave:.3f}\t0.000\t0.65\t1.0\n"
        for wave, psi, delta, lost in zip(WAVES, PSI, DELTA, (-5.2, 0.5, 1.5), strict=True)
    )
    spectra = open_spectra(written(tmp_path, text))
    assert_is_the_spectrum(spectra)
    assert spectra.table["depolarization"].tolist() == [-5.2, 0.5, 1.5]


def test_transmission_is_refused(tmp_path: Path) -> None:
    text = KINETIC.replace("AcqTime=0.978", "TransmissionMeas=1")
    with pytest.raises(ReadError, match="in transmission") as error:
        open_spectra(written(tmp_path, text))
    assert one_sentence(error)


def test_a_column_without_a_title_before_psi_is_the_angle(tmp_path: Path) -> None:
    text = "sample_WVASEformat\nnm\t\tPsi\tDelta\n" + ROWS.replace(" ", "\t")
    spectra = open_spectra(written(tmp_path, text))
    assert_is_the_spectrum(spectra)
    assert (spectra.table["aoi_deg"] == 65).all()


def test_tan_psi_and_cos_delta_need_no_heading(tmp_path: Path) -> None:
    spectra = open_spectra(written(tmp_path, "nm  TRIG\n300 70  .245    .123\n400 70  .283    -.034\n"))
    assert spectra.table["Psi"].tolist() == pytest.approx(np.rad2deg(np.arctan([0.245, 0.283])).tolist())
    assert "same for Delta" in spectra.warnings[0]


def test_dynamic_data_of_film_sense_are_a_spectrum_for_each_time(tmp_path: Path) -> None:
    head = "Film_Sense_Dyn_Data\n2\t2\t-70.012\t2\n367.2\t14.3\n449.6\t16.0\n"
    titles = "Time\tUV_N\tUV_C\tUV_S\tUV_P\tUV_I\tBlue_N\tBlue_C\tBlue_S\tBlue_P\tBlue_I\tThick(nm).2\n"
    rows = (
        "4.953\t0.6\t-0.8\t0.0\t0.998\t14.1\t0.8\t-0.48\t0.36\t0.999\t21.7\t3.2\n"
        "14.858\t0.0\t0.0\t1.0\t0.998\t14.1\t0.8\t-0.6\t0.0\t0.999\t21.7\t3.2\n"
    )
    spectra = open_spectra(written(tmp_path, head + titles + rows))
    assert spectra.names == [0, 1]
    table = spectra.table
    assert table["time_s"].tolist() == [4.953, 4.953, 14.858, 14.858]
    assert (table["aoi_deg"] == 70.012).all()
    assert table["Delta"].tolist() == pytest.approx([180.0, 143.1301, 90.0, 180.0], abs=1e-3)
    assert table["Psi"].iloc[2] == pytest.approx(45.0)
    assert "angle" in spectra.warnings[0]
    with pytest.raises(ReadError, match="does not hold the wavelengths"):
        open_spectra(written(tmp_path, head + titles.replace("Blue_S", "Blue") + rows))


def rows_of(columns: list[np.ndarray]) -> str:
    return "".join(" ".join(f"{value:.9f}" for value in row) + "\n" for row in zip(*columns, strict=True))


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(["ev", "ncs", "rho", "wavelength ev"]), st.integers(0, 359))
def test_other_quantities_give_the_same_angles(
    tmp_path_factory: pytest.TempPathFactory, shape: str, turn: int
) -> None:
    waves, psi = np.array(WAVES), np.deg2rad(PSI)
    delta = (np.array(DELTA) + turn) % 360
    c, s = np.sin(2 * psi) * np.cos(np.deg2rad(delta)), np.sin(2 * psi) * np.sin(np.deg2rad(delta))
    rho = np.tan(psi) * np.exp(1j * np.deg2rad(delta))
    energies = 1239.8419843320026 / waves
    text = {
        "ev": "energy_ev Psi Delta\n" + rows_of([energies, np.array(PSI), delta]),
        "wavelength ev": "wavelength(eV) Psi Delta\n" + rows_of([energies, np.array(PSI), delta]),
        "ncs": "wavelength N C S\n" + rows_of([waves, np.cos(2 * psi), c, s]),
        "rho": "wavelength Re(rho) Im(rho)\n" + rows_of([waves, rho.real, rho.imag]),
    }[shape]
    spectra = open_spectra(written(tmp_path_factory.mktemp("s"), text))
    turned = spectra.table.sort_values("wavelength_nm")["Delta"].to_numpy()
    np.testing.assert_allclose(np.exp(1j * np.deg2rad(turned)), np.exp(1j * np.deg2rad(delta)), atol=1e-4)


def test_cos_delta_does_not_tell_the_sense(tmp_path: Path) -> None:
    cosine = np.cos(np.deg2rad(DELTA))
    text = "wavelength AOI tanPsi cosDelta\n" + rows_of(
        [np.array(WAVES), np.full(3, 65), np.tan(np.deg2rad(PSI)), cosine]
    )
    spectra = open_spectra(written(tmp_path, text))
    assert_is_the_spectrum(spectra, [170.0, 170.0, 10.0])
    assert "same for Delta and 360" in spectra.warnings[0]


def test_columns_are_what_the_user_says(tmp_path: Path) -> None:
    path = written(tmp_path, "30 170 x 400\n25 190 x 500\n20 350 x 600\n".replace("x", "7"))
    with pytest.raises(ReadError, match="--columns"):
        open_spectra(path)
    assert_is_the_spectrum(open_spectra(path, columns="Psi Delta - wavelength_nm"))


@pytest.mark.parametrize(("times", "names"), [((2.0, 60.0), [0, 1]), ((2.0, 2.0), [0])])
def test_what_is_measured_again_later_is_another_spectrum(
    tmp_path: Path, times: tuple[float, float], names: list[int]
) -> None:
    head = "#Lambda\tAOI\tDelta\tPsi\tZone\tTime\n#nm\tdeg\tdeg\tdeg\t-\ts\n"
    rows = [
        f"{wave}\t50\t{delta + shift}\t{psi}\t{zone}\t{time}\n"
        for time, shift in zip(times, (0, 2), strict=True)
        for wave, psi, delta in zip(WAVES, PSI, DELTA, strict=True)
        for zone in (1, 3)
    ]
    spectra = open_spectra(written(tmp_path, head + "".join(rows), "series.ds.dat"))
    assert spectra.names == names
    assert (spectra.table["n_readings"] == 4 / len(names)).all()
    middle = spectra.one(0)["Delta"].tolist()
    assert middle == pytest.approx([delta + 2 - len(names) for delta in DELTA])


def test_positions_tell_spots_apart(tmp_path: Path) -> None:
    head = "#Lambda\tAOI\tDelta\tPsi\tROIidx\tX_pos\tY_pos\n#nm\tdeg\tdeg\tdeg\t-\tmm\tmm\n"
    rows = [
        f"{wave}\t50\t{delta}\t{psi}\t000\t{x + 0.05 * number}\t2\n"
        for x in (0.0, 5.0)
        for number, (wave, psi, delta) in enumerate(zip(WAVES, PSI, DELTA, strict=True))
    ]
    spectra = open_spectra(written(tmp_path, head + "".join(rows), "line.ds.dat"))
    assert spectra.names == [0, 1]
    assert spectra.one(1)["x_mm"].tolist() == pytest.approx([5.05] * 3)


@pytest.mark.parametrize(
    ("text", "needle"),
    [
        ("", "no rows of numbers"),
        ("wavelength Psi Delta\n", "no rows of numbers"),
        ("wavelength Psi Delta\n400 30 170\n500 25 bad\n", "Line 3 of spot.txt"),
        ("wavelength Psi Delta\n400 130 170\n500 25 180\n", "Psi 130"),
        ("wavelength n k\n400 1.5 0\n500 1.5 0\n", "table of n and k"),
        ("400 1.5 0.1\n500 1.5 0.2\n", "without titles"),
        ("wavelength Psi Delta\n0.4 30 170\n0.5 25 180\n", "may be um or eV"),
        ("wavelength Psi Delta\n4000 30 170\n5000 25 180\n", "may be nm or Angstrom"),
        ("wavelength Psi Psi Delta\n400 30 30 170\n", "two columns of one kind"),
        ("Film_Sense_Data\n8 1 0\n400 1 1\n", "does not hold the wavelengths"),
        ("#Lambda\tAOI\tDelta\tPsi\n#nm\tdeg\tdeg\tdeg\n400\t50\t170\n", "data row 1"),
        ("#Lambda\tAOI\tDelta\tPsi\n400\t50\ta_001.png\ta_002.png\n", "lists maps"),
        ("wavelength Psi Delta\nnan nan nan\n", "no value"),
        ("400,0;650\n600;65;20\n500;65;25\n", "without titles"),
        ("600 nan 20\n500 nan 25\n", "without titles"),
        ("wavelength Psi Delta\n400 1e999 170\n", "no value|no rows"),
    ],
)
def test_what_is_no_spectrum_is_refused_in_one_sentence(tmp_path: Path, text: str, needle: str) -> None:
    with pytest.raises(ReadError, match=needle) as error:
        open_spectra(written(tmp_path, text))
    assert one_sentence(error)


def test_errors_are_told_by_their_titles(tmp_path: Path) -> None:
    text = "wavelength_nm AOI Psi Delta Psi_sd err_Delta spectrum x_mm y_mm\n400 65 30 170 0.1 0.2 7 1 2\n"
    table = open_spectra(written(tmp_path, text)).table
    assert table[["Psi_sd", "Delta_sd", "x_mm", "y_mm"]].iloc[0].tolist() == [0.1, 0.2, 1.0, 2.0]
    assert [repr(name) for name in table["spectrum"].tolist()] == ["7"]


@pytest.mark.parametrize("text", PLAIN.values(), ids=PLAIN)
def test_spectra_are_offered(tmp_path: Path, text: str) -> None:
    assert looks_like_spectra(written(tmp_path, text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Measured on Monday.\n",
        "wavelength n k\n400 1.5 0\n",
        "#Lambda\tDelta\tPsi\n400\ta_001.png\ta_002.png\n",
        "cluster,n_pixels,thickness_nm,mse\n0,1,2,3\n",
    ],
)
def test_other_text_is_not_offered(tmp_path: Path, text: str) -> None:
    assert not looks_like_spectra(written(tmp_path, text))
    (tmp_path / "image.png").write_text(PLAIN["titles"])
    assert not looks_like_spectra(tmp_path / "image.png")


def test_what_is_not_clear_is_told_without_the_command_line(tmp_path: Path) -> None:
    with pytest.raises(ColumnsQuestion) as error:
        open_spectra(written(tmp_path, "30 170 7 400\n25 190 7 500\n"))
    assert "--columns" in str(error.value)
    assert error.value.why.endswith("that fit no order, or more than one")
    labels, rows = first_rows(tmp_path / "spot.txt", most=1)
    assert (labels, rows) == ([], [[30.0, 170.0, 7.0, 400.0]])


def test_maps_are_told_from_spectra(tmp_path: Path) -> None:
    assert may_be_spectra(written(tmp_path, PLAIN["titles"]))
    assert not may_be_spectra(
        written(tmp_path, "#Lambda\tDelta\tPsi\n400\ta_001.png\ta_002.png\n", "a.ds.dat")
    )
    assert not may_be_spectra(tmp_path)
    assert not may_be_spectra(tmp_path / "absent.txt")
    (tmp_path / "image.txt").write_bytes(b"\x89PNG\0\0\0")
    assert not may_be_spectra(tmp_path / "image.txt")
