"""A self-contained HTML report of a segmentation: facts, settings, maps, spectra, table; it prints well."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from html import escape
from importlib.metadata import version

import pandas as pd

from ellimaps.core.colors import CLUSTER_COLORS
from ellimaps.core.figures import figure_png
from ellimaps.core.html import cell_table, facts_table, html_page
from ellimaps.core.stack import ImageStack, band_label, stack_facts
from ellimaps.maps.export import cluster_rows
from ellimaps.maps.figures import segmentation_figure
from ellimaps.maps.refinement import refinement_of_row
from ellimaps.maps.regions import Region, check_region_names, region_spectrum
from ellimaps.maps.segmentation import Segmentation
from ellimaps.maps.tables import check_names

_COLUMNS_AT_ONCE = 6


def report_html(
    segmentation: Segmentation, *, names: Sequence[str] = (), regions: Sequence[Region] = ()
) -> str:
    """Return the report as one HTML page without links to other files.

    Parameters
    ----------
    segmentation : Segmentation
        What to report.
    names : sequence of str
        What the clusters are called; by default their numbers.
    regions : sequence of Region
        Regions of interest to list beside the clusters.

    Raises
    ------
    SettingError
        If the number of names is not that of the clusters, or a region holds no pixel or another's name.
    """
    check_names(names, segmentation)
    check_region_names(regions)
    stack = segmentation.stack
    picture = base64.b64encode(figure_png(segmentation_figure(segmentation, names))).decode("ascii")
    shots = segmentation.clustershots()
    titles = [f"{number} {names[number]}" if names else str(number) for number in range(segmentation.k)]
    spectra = {title: shots[shots["cluster"] == number] for number, title in enumerate(titles)}
    sections = [
        f"<h1>{escape(stack.name)}</h1>",
        "<h2>Measurement</h2>",
        facts_table(_measurement(segmentation)),
        "<h2>Settings</h2>",
        facts_table(_settings(segmentation)),
        "<h2>Clusters</h2>",
        _clusters(segmentation, names),
        f'<h2>Maps and spectra</h2>\n<img alt="Maps and clustershots" src="data:image/png;base64,{picture}">',
        "<h2>Clustershots: mean (standard deviation) of the measured values</h2>",
        *_spectra(stack, spectra),
    ]
    if regions:
        sections.append("<h2>Regions of interest: mean (standard deviation) of the measured values</h2>")
        sections += _spectra(stack, {region.name: region_spectrum(stack, region) for region in regions})
    sections.append(f"<footer>ellimaps {escape(version('ellimaps'))}</footer>")
    return html_page(stack.name, sections)


def _measurement(segmentation: Segmentation) -> dict[str, str]:
    stack = segmentation.stack
    facts = stack_facts(stack)
    height, width = stack.shape
    size = f", a pixel is {stack.pixel_size_um:g} µm wide" if stack.pixel_size_um else ""
    return {
        "Maps": f"{stack.n_bands} ({', '.join(stack.quantities)}) of {height} x {width} px (y x x){size}",
        "Wavelengths": _listed(stack.wavelengths_nm, "nm"),
        "Angle of incidence": _listed(stack.angles_deg, "deg"),
        "Acquired": str(stack.acquired_at.replace(microsecond=0)) if stack.acquired_at else "not known",
        "Comment": facts["comment"] or "none",
        "Missing values": f"{facts['missing_fraction']:.2%} of all values, "
        f"{max(facts['missing_fraction_per_map']):.2%} of the worst map",
        "Filled values": f"{stack.filled_fraction.mean():.2%} of all values; they enter no mean below",
        **{f"Warning {number}": text for number, text in enumerate(stack.warnings, start=1)},
    }


def _settings(segmentation: Segmentation) -> dict[str, str]:
    rows = {}
    for number, step in enumerate(segmentation.stack.history, start=1):
        label = "Preprocessing" if len(segmentation.stack.history) == 1 else f"Preprocessing {number}"
        rows[label] = ", ".join(f"{key} {'off' if value is None else value}" for key, value in step.items())
    settings = dict(segmentation.settings)
    changes = [refinement_of_row(row) for row in settings.pop("refine", ())]
    rows |= {str(key): str(value) for key, value in settings.items()}
    return rows | {f"Change {number} by hand": str(step) for number, step in enumerate(changes, start=1)}


def _clusters(segmentation: Segmentation, names: Sequence[str]) -> str:
    swatch = '<span class="swatch" style="background: {}"></span> {}'
    rows = []
    for row in cluster_rows(segmentation, names):
        number = row["cluster"]
        name = [f'<div class="name">{escape(row["name"])}</div>'] if names else []
        count, share = f"{row['n_pixels']:,}", f"{row['fraction']:.2%}"
        rows.append([swatch.format(CLUSTER_COLORS[number], number), *name, count, share])
    no_data = int((segmentation.labels < 0).sum())
    return (
        cell_table(["cluster", *(['<div class="name">name</div>'] if names else []), "pixels", "share"], rows)
        + f"\n<p>{no_data:,} pixels have no data. Inertia: {segmentation.inertia:.6g}.</p>"
    )


def _spectra(stack: ImageStack, spectra: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return tables of one row per map and a few spectra each, so that a page has room for them."""
    several_angles = len(stack.angles_deg) > 1
    maps = []
    for _, band in stack.bands.iterrows():
        angle = f", {band['aoi_deg']:g} deg" if several_angles else ""
        unit = f" ({band['unit']})" if band["unit"] else ""
        maps.append(escape(band_label(band) + angle + unit))
    show = _degrees if stack.is_ellipsometric else _number
    columns = {
        escape(title): [show(mean, std) for mean, std in zip(table["mean"], table["std"], strict=True)]
        for title, table in spectra.items()
    }
    titles = list(columns)
    parts = [titles[first : first + _COLUMNS_AT_ONCE] for first in range(0, len(titles), _COLUMNS_AT_ONCE)]
    return [
        cell_table(["map", *part], zip(maps, *(columns[title] for title in part), strict=True))
        for part in parts
    ]


def _degrees(mean: float, std: float) -> str:
    return "-" if math.isnan(mean) else f"{mean:.2f} ({std:.2f})"


def _number(mean: float, std: float) -> str:
    return "-" if math.isnan(mean) else f"{mean:.5g} ({std:.2g})"


def _listed(values: Sequence[float], unit: str) -> str:
    return ", ".join(f"{value:g}" for value in values) + f" {unit}" if values else "not known"
