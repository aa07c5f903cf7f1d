"""Thin-film fits as files: tables, maps in nm, a figure and where they come from."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tifffile
from numpy.typing import NDArray

from ellimaps.core.figures import figure_png
from ellimaps.core.files import csv_bytes, with_listing, write_files
from ellimaps.core.provenance import software_facts
from ellimaps.maps.export import map_facts
from ellimaps.maps.films.figures import map_figure, shots_figure, uniqueness_figure
from ellimaps.maps.films.noise import noise_facts
from ellimaps.maps.films.results import ClusterFit, MapFit, ShotFits, parameter_names, thickness_name
from ellimaps.optics.certainty import Certainty
from ellimaps.optics.crystals import AnyMaterial, UniaxialMaterial
from ellimaps.optics.flags import Flag
from ellimaps.optics.graded import Graded
from ellimaps.optics.materials import tabulated
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.model_file import model_text


def export_fit(fit: ShotFits | MapFit, out: str | Path) -> list[Path]:
    """Write a fit's table, maps, figure and provenance.

    Parameters
    ----------
    fit : ShotFits or MapFit
        What to write; a thickness is free in its model.
    out : str or Path
        Folder to write into; made if need be. Files of the same names are replaced, and those an earlier
        fit listed there that this one does not write are removed.

    Returns
    -------
    list of Path
        The files written; ``docs/file-formats.md`` describes each.

    Raises
    ------
    SettingError
        If no thickness is free.
    ExportError
        If the folder cannot be written; then nothing in it has changed.
    """
    return write_files(Path(out), fit_contents(fit), listing=f"{fit.stack.name}_fit.json")


def fit_contents(fit: ShotFits | MapFit) -> dict[str, bytes]:
    """Return what `export_fit` writes: the contents of each file by its name."""
    name = fit.stack.name
    files = {f"{name}_{end}.tif": _tiff(image) for end, image in _maps(fit).items()}
    if isinstance(fit, ShotFits):
        files[f"{name}_fit.csv"] = csv_bytes(fit.table())
        files[f"{name}_fit_sensitivity.csv"] = csv_bytes(
            _by_cluster({cluster.cluster: fit.sensitivity(cluster.cluster) for cluster in fit.clusters})
        )
        files[f"{name}_fit.png"] = figure_png(shots_figure(fit))
        found = {number: fit.certainty(number) for number in range(len(fit.clusters))}
        certainties = {number: certainty for number, certainty in found.items() if certainty is not None}
        if certainties:
            tables = {number: certainty.table() for number, certainty in certainties.items()}
            files[f"{name}_fit_certainty.csv"] = csv_bytes(_by_cluster(tables))
            files[f"{name}_fit_uniqueness.png"] = figure_png(uniqueness_figure(fit, certainties))
        facts = _shots_facts(fit, certainties)
    else:
        files[f"{name}_fit.png"] = figure_png(map_figure(fit))
        facts = _map_facts(fit)
    return with_listing(files, f"{name}_fit.json", _without_nan(_common_facts(fit) | facts))


def cluster_facts(fit: ClusterFit) -> dict[str, Any]:
    """Return a cluster's fit as plain values, ready for JSON."""
    return {
        "cluster": fit.cluster,
        "parameters": dict(fit.parameters),
        "standard_errors": dict(fit.standard_errors),
        "mse": fit.mse,
        "chi2": fit.chi2,
        "n_wavelengths": fit.n_wavelengths,
        "spreads": dict(fit.spreads),
        "left_out": list(fit.left_out),
        "flag": fit.flag.text,
        "others": [{"parameters": dict(o.parameters), "chi2": o.chi2} for o in fit.others],
    }


def _maps(fit: ShotFits | MapFit) -> dict[str, NDArray[Any]]:
    thickness = thickness_name(fit.model)
    maps: dict[str, NDArray[Any]] = {}
    for name in parameter_names(fit.model):
        end = "thickness" if name == thickness else name
        maps[end] = fit.painted(name)
        maps[f"{end}_se"] = fit.painted_errors(name)
    maps["mse"] = fit.painted_mse()
    if isinstance(fit, MapFit):
        # 0 stands for a pixel that was not to be fitted.
        maps["fit_flags"] = (fit.flags + 1).astype(np.uint8)
    return maps


def _tiff(image: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, image, photometric="minisblack", metadata=None, software="")
    return buffer.getvalue()


def _by_cluster(tables: Mapping[int, pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(tables, names=["cluster"]).reset_index("cluster")


def _common_facts(fit: ShotFits | MapFit) -> dict[str, Any]:
    stack = fit.stack
    return {
        "software": software_facts(),
        "name": stack.name,
        "inputs_sha256": dict(stack.inputs),
        "preprocessing": [dict(step) for step in stack.history],
        "model": model_text(_nameable(fit)),
        "options": asdict(fit.options),
        "noise": noise_facts(fit.noise),
        "bands": fit.pairs[["wavelength_nm", "aoi_deg"]].to_dict("records"),
        "maps": map_facts(stack),
        "warnings": list(stack.warnings),
    }


def _nameable(fit: ShotFits | MapFit) -> ThinFilm:
    """Return the fitted model, a user's own kinds of material as tables at the wavelengths of the fit."""
    waves = np.unique(fit.pairs["wavelength_nm"])

    def named(material: AnyMaterial) -> AnyMaterial:
        if isinstance(material, UniaxialMaterial):
            both = tabulated(material.ordinary, waves), tabulated(material.extraordinary, waves)
            return UniaxialMaterial(*both, material.name)
        if isinstance(material, Graded):
            ends = tabulated(material.top, waves), tabulated(material.bottom, waves)
            return Graded(*ends, material.slices, material.name)
        return tabulated(material, waves)

    layers = tuple(replace(layer, material=named(layer.material)) for layer in fit.model.layers)
    return replace(fit.model, substrate=named(fit.model.substrate), layers=layers)


def _shots_facts(fit: ShotFits, certainties: Mapping[int, Certainty]) -> dict[str, Any]:
    remarks = {number: list(certainty.remarks) for number, certainty in certainties.items()}
    return {
        "segmentation": dict(fit.segmentation.settings),
        "shared": list(fit.shared),
        "clusters": [
            cluster_facts(cluster) | {"remarks": remarks.get(cluster.cluster, [])} for cluster in fit.clusters
        ],
    }


def _map_facts(fit: MapFit) -> dict[str, Any]:
    return {
        "flags": {flag.text: int(np.count_nonzero(fit.flags == flag)) for flag in Flag},
        "trusted_fraction": fit.trusted_fraction,
        "pixels_with_wild_values": int(np.count_nonzero(fit.n_wild)),
        "medians": {name: fit.median(name) for name in parameter_names(fit.model)},
        "timings_s": {"fit": round(fit.seconds, 4)},
    }


def _without_nan(value: Any) -> Any:
    """Replace NaN and infinities, which JSON does not know, by null."""
    if isinstance(value, Mapping):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
