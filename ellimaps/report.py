"""A self-contained HTML report of a segmentation: facts, settings, maps, spectra, table; it prints well."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from html import escape
from importlib.metadata import version

import pandas as pd

from ellimaps.export import cluster_rows, figure_png
from ellimaps.plots import segmentation_figure
from ellimaps.regions import Region, region_spectrum
from ellimaps.segmentation import Segmentation
from ellimaps.stack import stack_facts

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; max-width: 1100px; }
body { margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 1.8rem; }
img { max-width: 100%; height: auto; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid #ccc; padding: 3px 10px; text-align: right; }
th:first-child, td:first-child { text-align: left; }
.wide { overflow-x: auto; } footer { color: #555; font-size: 12px; margin-top: 2rem; }
@media print { body { margin: 0; max-width: none; } h2, table, img { break-inside: avoid; } }
"""


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
    """
    stack = segmentation.stack
    picture = base64.b64encode(figure_png(segmentation_figure(segmentation, names))).decode("ascii")
    sections = [
        f"<h1>{escape(stack.name)}</h1>",
        "<h2>Measurement</h2>",
        _facts_table(segmentation),
        "<h2>Clusters</h2>",
        _table(pd.DataFrame(cluster_rows(segmentation, names))),
        f'<h2>Maps and spectra</h2><img alt="Maps and clustershots" src="data:image/png;base64,{picture}">',
        "<h2>Clustershots: mean (standard deviation) of the measured values</h2>",
        f'<div class="wide">{_table(_spectra(segmentation.clustershots(), "cluster", names))}</div>',
    ]
    if regions:
        spectra = pd.concat([region_spectrum(stack, region) for region in regions])
        sections.append("<h2>Regions of interest</h2>")
        sections.append(f'<div class="wide">{_table(_spectra(spectra, "region", ()))}</div>')
    sections += ["<h2>Settings</h2>", f"<pre>{escape(_settings(segmentation))}</pre>"]
    sections.append(f"<footer>ellimaps {escape(version('ellimaps'))}</footer>")
    body = "\n".join(sections)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(stack.name)}</title>\n'
        f"<style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _facts_table(segmentation: Segmentation) -> str:
    stack = segmentation.stack
    facts = stack_facts(stack)
    height, width = stack.shape
    rows = {
        "Maps": f"{stack.n_bands} ({', '.join(stack.quantities)}) of {height} x {width} px",
        "Wavelengths (nm)": ", ".join(f"{value:g}" for value in stack.wavelengths_nm) or "not known",
        "Angle of incidence (deg)": ", ".join(f"{value:g}" for value in stack.angles_deg) or "not known",
        "Acquired": facts["acquired_at"] or "not known",
        "Comment": facts["comment"] or "none",
        "Missing values": f"{facts['missing_fraction']:.2%}",
        "Filled values": f"{stack.filled_fraction.mean():.2%}",
        "Pixels without data": f"{int((segmentation.labels < 0).sum()):,}",
        "Inertia": f"{segmentation.inertia:.6g}",
    }
    rows |= {f"Warning {n}": text for n, text in enumerate(stack.warnings, start=1)}
    cells = "".join(
        f"<tr><th>{escape(key)}</th><td>{escape(str(value))}</td></tr>" for key, value in rows.items()
    )
    return f"<table>{cells}</table>"


def _spectra(table: pd.DataFrame, group: str, names: Sequence[str]) -> pd.DataFrame:
    texts = [f"{m:.2f} ({s:.2f})" for m, s in zip(table["mean"], table["std"], strict=True)]
    columns = [names[key] if names else key for key in table[group]]
    labels = [
        f"{q} {w:g} nm" if w == w else str(b)
        for q, w, b in zip(table["quantity"], table["wavelength_nm"], table["band"], strict=True)
    ]
    if table["aoi_deg"].nunique() > 1:
        labels = [f"{label}, {aoi:g} deg" for label, aoi in zip(labels, table["aoi_deg"], strict=True)]
    order = list(dict.fromkeys(labels))
    wide = pd.DataFrame({"map": labels, group: columns, "text": texts})
    return (
        wide.pivot_table(index="map", columns=group, values="text", aggfunc="first", sort=False)
        .loc[order]
        .reset_index()
    )


def _settings(segmentation: Segmentation) -> str:
    settings = {"preprocessing": [dict(step) for step in segmentation.stack.history], **segmentation.settings}
    return json.dumps(settings, indent=2, default=str)


def _table(table: pd.DataFrame) -> str:
    return table.to_html(index=False, border=0, float_format=lambda value: f"{value:.4g}")
