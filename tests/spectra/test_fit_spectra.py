"""Fits of spectra: known films, clusters that ellimaps wrote, and the command line."""

from __future__ import annotations

import json
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
from ellimaps.optics.flags import Flag
from ellimaps.optics.layers import Layer
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.model_file import read_model
from ellimaps.readers.spectra import open_spectra
from ellimaps.spectra.fit import fit_spectra

MODEL = ThinFilm("Si", (Layer("SiO2", 100.0, {"thickness_nm": (0.0, 300.0)}),))
WAVES = np.linspace(400.0, 800.0, 41)


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


def test_cluster_spectra_that_segment_wrote_give_the_thickness_of_the_clusters(tmp_path: Path) -> None:
    model = read_model(ROOT / "data_example" / "terraces" / "model.toml")
    stack = ellimaps.preprocess(ellimaps.open_stack(ROOT / "data_example" / "terraces"))
    segmentation = ellimaps.segment(stack, k=4)
    files = ellimaps.export_segmentation(segmentation, tmp_path)
    direct = ellimaps.fit_shots(segmentation, model).clusters
    checked = 0
    for number, cluster in enumerate(direct):
        (path,) = (file for file in files if file.name.endswith(f"_cluster_{number}.ds.dat"))
        (fit,) = fit_spectra(open_spectra(path), model).fits
        assert fit.spectrum == number
        if cluster.flag == Flag.OK:
            checked += 1
            assert fit.parameters["thickness_nm"] == pytest.approx(
                cluster.parameters["thickness_nm"], abs=0.01
            )
    assert checked >= 3
    (table,) = (file for file in files if file.name.endswith("_clustershot.dat"))
    (full,) = (file for file in files if file.name.endswith("_clustershot_full.csv"))
    for path in (table, full):
        reopened = open_spectra(path)
        assert reopened.names == [0, 1, 2, 3]
        for name in reopened.names:
            own = reopened.one(name)
            pairs = stack.pairs()
            np.testing.assert_allclose(
                own["Psi"], segmentation.means[int(str(name)), pairs["psi"].to_numpy()], atol=1e-9
            )


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
    assert "120.0000" in run()[1]
    assert run("--pixels")[0] == 2


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
