"""Silicon nitride on glass, read by a real instrument: the model of the user guide describes it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from ellimaps.core.spectra import Spectra
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.model_file import read_model
from ellimaps.readers.spectra import open_spectra
from ellimaps.spectra.fit import fit_spectra

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def spectra(shared_data: Path) -> Spectra:
    (path,) = (shared_data / "ep4_roi").glob("*.ds.dat")
    return open_spectra(path)


@pytest.fixture
def model(tmp_path: Path) -> ThinFilm:
    guide = (ROOT / "docs" / "thickness.md").read_text(encoding="utf-8")
    section = guide.partition("## A thick film on glass")[2].partition("\n## ")[0]
    (block,) = re.findall(r"```toml\n(.*?)```", section, re.DOTALL)
    (tmp_path / "model.toml").write_text(block, encoding="utf-8")
    return read_model(tmp_path / "model.toml")


def test_the_model_of_the_guide_describes_it(spectra: Spectra, model: ThinFilm) -> None:
    (fit,) = fit_spectra(spectra.mirrored(), model).fits
    whole = replace(model, bandwidth_nm=0.0)
    bare = replace(whole, layers=model.layers[:1], substrate=model.layers[1].material)
    (plain,), (front,) = (fit_spectra(spectra.mirrored(), one).fits for one in (whole, bare))
    print(f"MSE {fit.mse:.1f}; without bandwidth {plain.mse:.1f}, also without backside {front.mse:.1f}")
    print({name: f"{value:.2f} +- {fit.standard_errors[name]:.2f}" for name, value in fit.parameters.items()})
    assert fit.mse < 35
    assert fit.mse < plain.mse + 0.5
    assert front.mse > plain.mse + 2
    assert fit.parameters["thickness_nm"] == pytest.approx(760, abs=15)


@pytest.mark.parametrize("minimized", ["psi delta", "ncs"])
def test_the_mirrored_delta_is_pointed_out(spectra: Spectra, model: ThinFilm, minimized: str) -> None:
    options = FitOptions(minimized=minimized)
    (fit,) = fit_spectra(spectra, model, options).fits
    print(fit.mse, *fit.remarks)
    assert fit.mse > 80
    assert "--mirror-delta" in fit.remarks[0]
    (fit,) = fit_spectra(spectra.mirrored(), model, options).fits
    assert not fit.remarks
