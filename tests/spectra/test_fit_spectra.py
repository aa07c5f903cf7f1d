"""Fits of spectra: known films, clusters that ellimaps wrote, and the command line."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

import ellimaps
from ellimaps.cli import main
from ellimaps.core.errors import SettingError
from ellimaps.core.spectra import Spectra
from ellimaps.maps.segmentation import Segmentation
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.flags import Flag
from ellimaps.optics.layers import Layer
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.model_file import read_model
from ellimaps.readers.spectra import open_spectra
from ellimaps.spectra.figures import spots_figure
from ellimaps.spectra.files import export_spectra_fit
from ellimaps.spectra.fit import fit_spectra

MODEL = ThinFilm("Si", (Layer("SiO2", 100.0, {"thickness_nm": (0.0, 300.0)}),))
WAVES = np.linspace(400.0, 800.0, 41)
Written = tuple[Segmentation, ThinFilm, list[Path]]


def spectra_of(*thicknesses: float, angle: float = 65.0, mirrored: bool = False) -> Spectra:
    parts = []
    for number, thickness in enumerate(thicknesses):
        psi, delta = MODEL.psi_delta(WAVES, np.full(41, angle), [thickness])
        delta = 360 - delta if mirrored else delta
        parts.append(
            pd.DataFrame(
                {"spectrum": number, "wavelength_nm": WAVES, "aoi_deg": angle, "Psi": psi, "Delta": delta}
            )
        )
    return Spectra("spots", pd.concat(parts, ignore_index=True))


def test_known_films_are_found_again() -> None:
    fits = fit_spectra(spectra_of(20.0, 150.0, 280.0), MODEL)
    assert fits.table()["thickness_nm"].tolist() == pytest.approx([20.0, 150.0, 280.0], abs=1e-4)
    assert all(fit.flag == Flag.OK for fit in fits.fits)
    assert not any(fit.remarks for fit in fits.fits)


def test_delta_in_the_other_sense_is_said() -> None:
    (fit,) = fit_spectra(spectra_of(80.0, mirrored=True), MODEL).fits
    assert fit.flag != Flag.OK
    assert "mirrored" in fit.remarks[0]
    (fit,) = fit_spectra(spectra_of(80.0, mirrored=True).mirrored(), MODEL).fits
    assert fit.flag == Flag.OK
    assert fit.parameters["thickness_nm"] == pytest.approx(80, abs=1e-4)


def test_spectra_may_have_points_of_their_own() -> None:
    spectra = spectra_of(20.0, 150.0)
    spectra = Spectra("spots", spectra.table.drop(index=range(5, 15)).reset_index(drop=True))
    fits = fit_spectra(spectra, MODEL)
    assert [fit.n_wavelengths for fit in fits.fits] == [31, 41]
    assert fits.table()["thickness_nm"].tolist() == pytest.approx([20.0, 150.0], abs=1e-4)


def test_a_model_chooses_wavelengths_and_gives_the_angle() -> None:
    spectra = spectra_of(100.0)
    spectra = Spectra("spot", spectra.table.assign(aoi_deg=np.nan))
    with pytest.raises(SettingError, match="angle of incidence"):
        fit_spectra(spectra, MODEL)
    film = ThinFilm(MODEL.substrate, MODEL.layers, aoi_deg=65.0, wavelengths_nm=(500.0, 700.0))
    (fit,) = fit_spectra(spectra, film).fits
    assert fit.n_wavelengths == 21
    assert fit.parameters["thickness_nm"] == pytest.approx(100.0, abs=1e-4)
    with pytest.raises(SettingError, match="no wavelength"):
        fit_spectra(
            spectra, ThinFilm(MODEL.substrate, MODEL.layers, aoi_deg=65.0, wavelengths_nm=(900.0, 950.0))
        )


@pytest.fixture(scope="module", params=["terraces", "terraces_wrap"])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The clusters of an example, its model, and the files that were written of them."""
    folder = ROOT / "data_example" / request.param
    segmentation = ellimaps.segment(ellimaps.preprocess(ellimaps.open_stack(folder)), k=5)
    files = ellimaps.export_segmentation(segmentation, tmp_path_factory.mktemp("out"))
    return segmentation, read_model(folder / "model.toml"), files


def files_of(files: list[Path], *ends: str) -> list[Path]:
    return [file for file in files if re.search(rf"({'|'.join(ends)})$", file.name)]


def test_spectra_that_segment_wrote_give_the_films_of_the_clusters(written: Written) -> None:
    segmentation, model, files = written
    # The second model misses the data: then it matters how exact each value is.
    for film in (model, MODEL):
        direct = ellimaps.fit_shots(segmentation, film).clusters
        assert any(cluster.flag != Flag.OK for cluster in direct) or film is model
        paths = files_of(files, r"_cluster_\d\.ds\.dat", "_clustershot.dat", "_clustershot_full.csv")
        assert len(paths) == segmentation.k + 2
        fits = [fit for path in paths for fit in fit_spectra(open_spectra(path), film).fits]
        assert len(fits) == 3 * segmentation.k
        for fit in fits:
            cluster = direct[int(str(fit.spectrum))]
            assert fit.parameters == pytest.approx(cluster.parameters, abs=0.01)
            assert fit.standard_errors == pytest.approx(cluster.standard_errors, rel=0.01)
            assert (fit.flag, fit.noise.grows) == (cluster.flag, cluster.noise.grows)


def test_without_their_provenance_clusters_are_spectra_like_others(written: Written, tmp_path: Path) -> None:
    (path,) = files_of(written[2], "_cluster_0.ds.dat")
    assert {"Psi_sd", "Psi_share"} <= set(open_spectra(path).table.columns)
    alone = Path(shutil.copy(path, tmp_path))
    assert not {"Psi_sd", "Psi_share"} & set(open_spectra(alone).table.columns)


@pytest.mark.parametrize(
    "damage",
    [
        {"psi_deg": []},
        {"psi_deg": "x"},
        {"points": [[1.0, 2.0]]},
        {"points": None},
        {"grows": None, "delta_deg": [[None] * 11] * 5},
        {"psi_share": {}},
    ],
)
def test_noise_that_is_damaged_is_none(written: Written, tmp_path: Path, damage: dict[str, object]) -> None:
    for path in files_of(written[2], "_cluster_4.ds.dat", "_segmentation.json"):
        shutil.copy(path, tmp_path)
    (listing,) = tmp_path.glob("*.json")
    facts = json.loads(listing.read_text())
    listing.write_text(json.dumps(facts | {"noise": facts["noise"] | damage}))
    (path,) = tmp_path.glob("*.ds.dat")
    assert "Psi_sd" not in open_spectra(path).table


def test_means_over_few_pixels_are_left_out_as_in_a_fit_of_clusters() -> None:
    spectra = spectra_of(100.0)
    table = spectra.table.assign(Psi_sd=0.01, Delta_sd=0.02, Psi_share=1.0, Delta_share=1.0)
    table.loc[3, ["Psi", "Psi_share"]] = 89.0, 0.4
    (fit,) = fit_spectra(Spectra("spot", table, delta_noise="growing"), MODEL).fits
    assert fit.flag == Flag.OK
    assert fit.parameters["thickness_nm"] == pytest.approx(100.0, abs=1e-3)
    assert not fit.wild.any()
    assert np.isnan(fit.measured.psi_deg[3])
    (fit,) = fit_spectra(Spectra("spot", table, delta_noise="growing"), MODEL, FitOptions(min_share=0.3)).fits
    assert fit.wild[3]


def test_only_what_was_read_from_digits_is_known_no_better_than_these() -> None:
    table = spectra_of(100.0).table.assign(Psi_sd=0.001, Delta_sd=0.002)
    (fit,) = fit_spectra(Spectra("spot", table), MODEL).fits
    assert (fit.noise.psi_deg == 0.01).all()
    shares = table.assign(Psi_share=1.0, Delta_share=1.0)
    (fit,) = fit_spectra(Spectra("cluster", shares, delta_noise="growing"), MODEL).fits
    assert (fit.noise.psi_deg == 0.001).all()


def test_tables_of_clusters_open_with_their_means(written: Written) -> None:
    segmentation, _, files = written
    pairs = segmentation.stack.pairs()
    for path in files_of(files, "_clustershot.dat", "_clustershot_full.csv"):
        reopened = open_spectra(path)
        assert reopened.names == list(range(segmentation.k))
        assert (reopened.table["aoi_deg"] == pairs["aoi_deg"].iloc[0]).all()
        for name in reopened.names:
            means = segmentation.means[int(str(name)), pairs["psi"].to_numpy()]
            np.testing.assert_allclose(reopened.one(name)["Psi"], means, atol=1e-9)


def test_the_command_prints_and_writes_the_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spectra_of(120.0).table.drop(columns="spectrum").to_csv(tmp_path / "spot ü.csv", index=False)
    film = 'substrate = "Si"\n[[layers]]\nmaterial = "SiO2"\nthickness_nm = 100.0\n'
    (tmp_path / "film.toml").write_text(film + "free = { thickness_nm = [0.0, 300.0] }\n")

    def run(*more: str) -> tuple[int, str]:
        paths = ["--model", str(tmp_path / "film.toml"), "--out", str(tmp_path / "o")]
        monkeypatch.setattr(sys, "argv", ["ellimaps", "fit", str(tmp_path / "spot ü.csv"), *paths, *more])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0), capsys.readouterr().out

    code, out = run("--json")
    assert code == 0
    (fact,) = json.loads(out)["spectra"]
    assert fact["parameters"]["thickness_nm"] == pytest.approx(120.0, abs=1e-3)
    assert fact["flag"] == "ok"
    assert fact["mse"] < 0.1
    assert {path.name for path in (tmp_path / "o").iterdir()} >= {
        "spot ü_fit.csv",
        "spot ü_fit.json",
        "spot ü_fit.png",
        "spot ü_fit_curves.csv",
    }
    limits = pd.read_csv(tmp_path / "o" / "spot ü_fit_certainty.csv").set_index(["spectrum", "parameter"])
    low, high = limits.loc[(0, "thickness_nm"), ["low_90", "high_90"]]
    assert low < 120.0 < high
    sensitivity = pd.read_csv(tmp_path / "o" / "spot ü_fit_sensitivity.csv")
    assert {"spectrum", "fixed", "change", "unit", "thickness_nm"} <= set(sensitivity)
    assert "120.0000" in run()[1]
    assert run("--pixels")[0] == 2


def test_spectra_of_several_places_are_a_map(tmp_path: Path) -> None:
    table = spectra_of(80.0, 100.0, 120.0).table
    spots = table.assign(x_mm=10.0 * table["spectrum"], y_mm=5.0)
    spots.loc[spots["spectrum"] == 1, "Psi"] += 10 * np.sin(WAVES / 30)
    fits = fit_spectra(Spectra("line", spots), MODEL)
    assert fits.has_map
    assert fits.table()["x_mm"].tolist() == [0.0, 10.0, 20.0]
    figure = spots_figure(fits)
    thickness, mse, *bars = figure.axes
    assert [axes.get_xlabel() for axes in (thickness, mse)] == ["x (mm)"] * 2
    assert {bar.get_ylabel() for bar in bars} == {"thickness (nm)", "MSE"}
    assert all(axes.get_aspect() == 1.0 for axes in (thickness, mse))
    crosses, values = thickness.collections
    assert crosses.get_offsets().tolist() == [[10.0, 5.0]]
    assert values.get_array().tolist() == pytest.approx([80.0, 120.0], abs=1e-3)
    names = {path.name for path in export_spectra_fit(fits, tmp_path)}
    assert "line_fit_spots.png" in names
    at_one_place = fit_spectra(Spectra("line", spots.assign(x_mm=1.0)), MODEL)
    assert not at_one_place.has_map
    assert "line_fit_spots.png" not in {path.name for path in export_spectra_fit(at_one_place, tmp_path)}
    assert not (tmp_path / "line_fit_spots.png").exists()


def test_a_spectrum_without_a_wavelength_of_the_model_is_said() -> None:
    spectra = spectra_of(20.0, 150.0)
    other = spectra.table["spectrum"] == 1
    waves = spectra.table["wavelength_nm"]
    table = spectra.table.assign(wavelength_nm=waves.where(~other, waves + 900))
    film = ThinFilm(MODEL.substrate, MODEL.layers, wavelengths_nm=(400.0, 800.0))
    first, second = fit_spectra(Spectra("spots", table), film).fits
    assert (first.flag, second.flag) == (Flag.OK, Flag.TOO_FEW_WAVELENGTHS)
    assert "no wavelength" in second.remarks[0]
    assert second.certainty() is None
    assert second.curves.empty
    assert second.sensitivity().empty
    assert second.remedies().empty


def test_a_real_film_sense_file_tells_its_angle(shared_data: Path) -> None:
    spectra = open_spectra(shared_data / "spectra" / "Filmsense_staticTest.txt")
    oxide = ThinFilm("Si", (Layer("SiO2", 10.0, {"thickness_nm": (0.0, 300.0)}),))
    (fit,) = fit_spectra(spectra, oxide).fits
    assert fit.flag == Flag.OK
    assert fit.mse < 1.5
    assert fit.parameters["thickness_nm"] == pytest.approx(1.6, abs=0.1)
    (other,) = fit_spectra(spectra, ThinFilm("Si", oxide.layers, aoi_deg=68.0)).fits
    assert other.mse > 20


def test_errors_of_a_file_are_its_weights() -> None:
    draw = np.random.default_rng(0)
    psi, delta = (part for part in MODEL.psi_delta(WAVES, np.full(41, 65.0), [100.0]))
    noise = np.where(WAVES < 600, 0.02, 2.0)
    tables = [
        pd.DataFrame(
            {
                "spectrum": number,
                "wavelength_nm": WAVES,
                "aoi_deg": 65.0,
                "Psi": psi + draw.normal(0, noise),
                "Delta": delta + draw.normal(0, noise),
                "Psi_sd": noise,
                "Delta_sd": noise,
            }
        )
        for number in range(20)
    ]
    whole = pd.concat(tables, ignore_index=True)

    def error(table: pd.DataFrame) -> float:
        return float(np.std(fit_spectra(Spectra("a", table), MODEL).table()["thickness_nm"] - 100.0))

    assert error(whole) < error(whole.drop(columns=["Psi_sd", "Delta_sd"])) / 3
