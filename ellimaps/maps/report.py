"""A self-contained HTML report of a segmentation: facts, settings, maps, spectra, table; it prints well."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from importlib.metadata import version

import pandas as pd

from ellimaps.core.colors import CLUSTER_COLORS
from ellimaps.core.figures import figure_png
from ellimaps.core.html import render
from ellimaps.core.numbers import UNKNOWN, number_text, titled, with_error
from ellimaps.core.stack import ImageStack, band_labels, stack_facts
from ellimaps.maps.export import cluster_facts
from ellimaps.maps.figures import segmentation_figure
from ellimaps.maps.films.figures import shots_figure
from ellimaps.maps.films.results import ShotFits
from ellimaps.maps.refinement import refinement_of, step_title
from ellimaps.maps.regions import Region, check_region_names, region_spectrum
from ellimaps.maps.segmentation import Segmentation
from ellimaps.maps.tables import check_names
from ellimaps.optics.parameters import parameter_titles

_Table = tuple[list[str], list[tuple[str, ...]]]
"""Header and rows."""


def report_html(
    segmentation: Segmentation,
    *,
    names: Sequence[str] = (),
    regions: Sequence[Region] = (),
    fit: ShotFits | None = None,
    lacking: Sequence[str] = (),
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
    fit : ShotFits, optional
        The film model's fit of the clusters.
    lacking : sequence of str
        Sentences about what was not computed, to be told at the end.

    Raises
    ------
    SettingError
        If the number of names is not that of the clusters, or a region holds no pixel or another's name.
    """
    check_names(names, segmentation)
    check_region_names(regions)
    stack = segmentation.stack
    picture = base64.b64encode(figure_png(segmentation_figure(segmentation, names))).decode("ascii")
    titles = [f"{number} {names[number]}" if names else str(number) for number in range(segmentation.k)]
    shots = [shot for _, shot in segmentation.clustershots().groupby("cluster")]
    spectra = {region.name: region_spectrum(stack, region) for region in regions}
    return render(
        "maps/templates/report.html",
        title=stack.name,
        measurement=_measurement(segmentation),
        settings=_settings(segmentation),
        clusters=cluster_facts(segmentation, names),
        named=bool(names),
        colors=CLUSTER_COLORS,
        no_data=int((segmentation.labels < 0).sum()),
        inertia=segmentation.inertia,
        picture=picture,
        clustershots=_spectra(stack, titles, shots),
        regions=_spectra(stack, list(spectra), list(spectra.values())),
        fit=_fit(fit) if fit is not None else None,
        lacking=lacking,
        version=version("ellimaps"),
    )


def _measurement(segmentation: Segmentation) -> dict[str, str]:
    stack = segmentation.stack
    facts = stack_facts(stack)
    height, width = stack.shape
    size = f", a pixel is {stack.pixel_size_um:g} µm wide" if stack.pixel_size_um else ""
    return {
        "Maps": f"{stack.n_bands} ({', '.join(stack.quantities)}) of {height} × {width} px (y × x){size}",
        "Wavelengths": _listed(stack.wavelengths_nm, "nm"),
        "Angle of incidence": _listed(stack.angles_deg, "°"),
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
    changes = [refinement_of(row) for row in settings.pop("refine", ())]
    rows |= {str(key): str(value) for key, value in settings.items()}
    return rows | {
        f"Change {number} by hand": step_title(step) for number, step in enumerate(changes, start=1)
    }


def _spectra(stack: ImageStack, titles: list[str], spectra: list[pd.DataFrame]) -> list[_Table]:
    """Return tables of one row per map and six spectra each, so that a page has room for them."""
    maps = list(map(titled, band_labels(stack), stack.bands["unit"]))
    show = _degrees if stack.is_ellipsometric else _number
    columns = [list(map(show, table["mean"], table["std"])) for table in spectra]
    return [
        (["map", *titles[first : first + 6]], list(zip(maps, *columns[first : first + 6], strict=True)))
        for first in range(0, len(titles), 6)
    ]


def _degrees(mean: float, std: float) -> str:
    return "-" if math.isnan(mean) else f"{mean:.2f} ({std:.2f})"


def _number(mean: float, std: float) -> str:
    return "-" if math.isnan(mean) else f"{mean:.5g} ({std:.2g})"


def _listed(values: Sequence[float], unit: str) -> str:
    if not values:
        return UNKNOWN
    return ", ".join(f"{value:g}" for value in values) + (unit if unit == "°" else f" {unit}")


def _fit(fit: ShotFits) -> tuple[_Table, str]:
    """Return the table and the picture of a fit of the clusters."""
    head = ["cluster", *parameter_titles(fit.model), "MSE", "reduced χ²", "verdict"]
    rows = [
        (
            str(cluster.cluster),
            *(
                with_error(cluster.parameters[name], cluster.standard_errors[name])
                for name in cluster.parameters
            ),
            number_text(cluster.mse, 3),
            number_text(cluster.chi2, 3),
            cluster.flag.text,
        )
        for cluster in fit.clusters
    ]
    return (head, rows), base64.b64encode(figure_png(shots_figure(fit))).decode("ascii")
