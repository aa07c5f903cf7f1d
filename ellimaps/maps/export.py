"""Everything that leaves as a file: written whole or not at all, with its provenance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ellimaps.core.figures import figure_png
from ellimaps.core.files import csv_bytes, program_csv_bytes, with_listing, write_files
from ellimaps.core.provenance import software_facts
from ellimaps.core.stack import ImageStack, band_label
from ellimaps.maps.clustering.estimation import ClusterEstimate
from ellimaps.maps.clustering.suggestion import Suggestion
from ellimaps.maps.figures import estimate_figure, segmentation_figure
from ellimaps.maps.films.noise import noise_of_map
from ellimaps.maps.films.shots import Shots
from ellimaps.maps.labels import clusters_tiff, outlines_of
from ellimaps.maps.regions import Region, check_region_names, region_spectrum
from ellimaps.maps.segmentation import Segmentation
from ellimaps.maps.tables import check_names, clustershot_table, coordinates_file, full_table, region_file
from ellimaps.optics.fit_options import FitOptions
from ellimaps.regions.outline_files import OutlineFormat


def export_segmentation(
    segmentation: Segmentation,
    out: str | Path,
    *,
    names: Sequence[str] = (),
    regions: Sequence[Region] = (),
    outlines: Sequence[OutlineFormat] = (),
    suggestion: Suggestion | None = None,
    timings: Mapping[str, float] | None = None,
) -> list[Path]:
    """Write a segmentation's clustershots, coordinates, label image, figure and provenance.

    Parameters
    ----------
    segmentation : Segmentation
        What to write.
    out : str or Path
        Folder to write into; made if need be. Files of the same names are replaced, and those an earlier
        export left there for clusters that are no more are removed.
    names : sequence of str
        What the clusters are called; by default their numbers.
    regions : sequence of Region
        Regions of interest to write beside the clusters.
    outlines : sequence of {"geojson", "roiset"}
        Which files of outlines are written, for QuPath and for ImageJ.
    suggestion : Suggestion, optional
        What k came from; goes into the provenance.
    timings : mapping of str to float, optional
        Seconds each step took; goes into the provenance.

    Returns
    -------
    list of Path
        The files written; ``docs/file-formats.md`` describes each.

    Raises
    ------
    SettingError
        If the number of names is not that of the clusters, or a region holds no pixel or another's name.
    ExportError
        If the folder cannot be written; then nothing in it has changed.
    """
    files = export_contents(
        segmentation,
        names=names,
        regions=regions,
        outlines=outlines,
        suggestion=suggestion,
        timings=timings,
    )
    return write_files(Path(out), files, listing=provenance_name(segmentation.stack))


def export_contents(
    segmentation: Segmentation,
    *,
    names: Sequence[str] = (),
    regions: Sequence[Region] = (),
    outlines: Sequence[OutlineFormat] = (),
    suggestion: Suggestion | None = None,
    timings: Mapping[str, float] | None = None,
) -> dict[str, bytes]:
    """Return what `export_segmentation` writes: the contents of each file by its name.

    Parameters
    ----------
    segmentation, names, regions, outlines, suggestion, timings
        As of `export_segmentation`.
    """
    check_names(names, segmentation)
    check_region_names(regions)
    name = segmentation.stack.name
    files = {
        f"{name}_clustershot.dat": program_csv_bytes(clustershot_table(segmentation), index=True),
        f"{name}_coordinates.dat": coordinates_file(segmentation),
        f"{name}_clustershot_full.csv": csv_bytes(full_table(segmentation, names)),
        f"{name}_labels.tif": clusters_tiff(segmentation, names),
        f"{name}_maps.png": figure_png(segmentation_figure(segmentation, names)),
    }
    if segmentation.stack.is_ellipsometric:
        for cluster in range(segmentation.k):
            mask = segmentation.labels == cluster
            spectrum = region_file(segmentation.stack, segmentation.means[cluster], cluster, mask)
            files[f"{name}_cluster_{cluster}.ds.dat"] = spectrum
    files |= _region_files(segmentation, regions)
    files |= outlines_of(segmentation, outlines, names, regions) if outlines else {}
    listing = provenance_name(segmentation.stack)
    facts = _provenance(segmentation, names, regions, suggestion)
    facts["timings_s"] = {step: round(seconds, 4) for step, seconds in (timings or {}).items()}
    return with_listing(files, listing, facts)


def provenance_name(stack: ImageStack) -> str:
    """Return the name of a segmentation's provenance file."""
    return f"{stack.name}_segmentation.json"


def export_estimate(estimate: ClusterEstimate, stack: ImageStack, out: str | Path) -> list[Path]:
    """Write an estimate as ``NAME_estimate.csv``, ``.png`` and ``.json``.

    Raises
    ------
    ExportError
        If the folder cannot be written; then nothing in it has changed.
    """
    facts = {"name": stack.name, "inputs_sha256": dict(stack.inputs), **estimate_facts(estimate)}
    files = {
        f"{stack.name}_estimate.csv": csv_bytes(estimate.table),
        f"{stack.name}_estimate.png": figure_png(estimate_figure(estimate)),
    }
    listing = f"{stack.name}_estimate.json"
    return write_files(Path(out), with_listing(files, listing, facts), listing)


def _region_files(segmentation: Segmentation, regions: Sequence[Region]) -> dict[str, bytes]:
    if not regions:
        return {}
    stack = segmentation.stack
    spectra = [region_spectrum(stack, region) for region in regions]
    files = {f"{stack.name}_regions_full.csv": csv_bytes(pd.concat(spectra))}
    if stack.is_ellipsometric:
        for number, (region, spectrum) in enumerate(zip(regions, spectra, strict=True)):
            content = region_file(stack, spectrum["mean"].to_numpy(), number, region.mask(stack.shape))
            files[f"{stack.name}_region_{region.name}.ds.dat"] = content
    return files


def _provenance(
    segmentation: Segmentation,
    names: Sequence[str],
    regions: Sequence[Region],
    suggestion: Suggestion | None,
) -> dict[str, Any]:
    stack = segmentation.stack
    facts: dict[str, Any] = {
        "software": software_facts(),
        "name": stack.name,
        "acquired_at": stack.acquired_at.isoformat() if stack.acquired_at else None,
        "inputs_sha256": dict(stack.inputs),
        "pixel_size_um": stack.pixel_size_um,
        "pixel_aspect": stack.pixel_aspect,
        "preprocessing": [dict(step) for step in stack.history],
        "settings": dict(segmentation.settings),
        "inertia": segmentation.inertia,
        "clusters": cluster_facts(segmentation, names),
        **_noise_facts(segmentation),
        "no_data_pixels": int((segmentation.labels < 0).sum()),
        "regions": [asdict(region) for region in regions],
        "maps": map_facts(stack),
        "warnings": list(stack.warnings),
    }
    if suggestion is not None:
        facts["suggestion"] = suggestion_facts(suggestion)
    return facts


def _noise_facts(segmentation: Segmentation) -> dict[str, Any]:
    """Return the noise with which clusters are fitted, by cluster and pair of bands; none of intensities."""
    stack = segmentation.stack
    pairs = stack.pairs()
    if not segmentation.k or pairs.empty or not np.isfinite(pairs["wavelength_nm"]).all():
        return {}
    shots = Shots(segmentation, pairs, noise_of_map(stack, pairs, FitOptions()), FitOptions(min_share=0.0))
    return {"noise": shots.noise_facts()}


def cluster_facts(segmentation: Segmentation, names: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return ``cluster, n_pixels, fraction`` per cluster, and its ``name`` where names are given.

    The fraction is of all labelled pixels.
    """
    total = max(int(segmentation.n_pixels.sum()), 1)
    rows: list[dict[str, Any]] = [
        {"cluster": cluster, "n_pixels": int(count), "fraction": float(count / total)}
        for cluster, count in enumerate(segmentation.n_pixels)
    ]
    for row, name in zip(rows, names, strict=False):
        row["name"] = name
    return rows


def map_facts(stack: ImageStack) -> list[dict[str, Any]]:
    """Return the share of missing and of filled values per map."""
    return [
        {
            "file": band["file"],
            "map": band_label(band),
            "missing_fraction": float(m),
            "filled_fraction": float(f),
        }
        for (_, band), m, f in zip(
            stack.bands.iterrows(), stack.missing_fraction, stack.filled_fraction, strict=True
        )
    ]


def suggestion_facts(suggestion: Suggestion) -> dict[str, Any]:
    """Return a suggested number of clusters as plain values, ready for JSON."""
    return {
        "kinds": suggestion.kinds,
        "suggested_k": suggestion.suggested_k,
        "reason": suggestion.reason,
        "alternative_k": suggestion.alternative_k,
        "alternative_reason": suggestion.alternative_reason,
        "remarks": list(suggestion.remarks),
        "valleys": suggestion.valleys.to_dict("records"),
        "settings": dict(suggestion.settings),
    }


def estimate_facts(estimate: ClusterEstimate) -> dict[str, Any]:
    """Return an estimate as plain values, ready for JSON."""
    return {
        "table": json.loads(estimate.table.to_json(orient="records", double_precision=15)),
        "elbow_k": estimate.elbow_k,
        "silhouette_k": estimate.silhouette_k,
        **suggestion_facts(estimate),
    }
