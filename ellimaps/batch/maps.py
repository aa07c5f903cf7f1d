"""Clusters of map folders as work of a batch, and a film model fitted to them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import pandas as pd

from ellimaps.batch.time_limit import TIME_LIMIT_S, with_time_limit
from ellimaps.batch.times import acquisition_facts
from ellimaps.batch.work import OVERLAY, TABLE, Output, kinds_of
from ellimaps.core.files import json_bytes, program_csv_bytes
from ellimaps.core.stack import ImageStack
from ellimaps.maps.clustering.suggestion import Suggestion
from ellimaps.maps.export import export_contents
from ellimaps.maps.films.files import fit_contents
from ellimaps.maps.films.fit import fit_map, fit_shots
from ellimaps.maps.films.recipe import FitRecipe
from ellimaps.maps.films.results import MapFit, ShotFits, parameter_names
from ellimaps.maps.pipeline import found_clusters, load
from ellimaps.maps.recipe import recipe_text
from ellimaps.maps.segmentation import Segmentation
from ellimaps.maps.settings import Settings


@dataclass(frozen=True)
class MapWork:
    """Segment a measurement, and fit a film model where one is given."""

    settings: Settings = field(default_factory=Settings)
    fit: FitRecipe | None = None
    time_limit_s: float = TIME_LIMIT_S
    lead: ClassVar[tuple[str, ...]] = ("Cluster", "Pixels", "Fraction")

    def facts(self) -> dict[str, Any]:
        """Return every choice the result depends on, ready for JSON."""
        return {"settings": asdict(self.settings), "fit": self.fit.facts() if self.fit else None}

    def recipe(self) -> str:
        """Return it as the text of a recipe."""
        return with_time_limit(recipe_text(self.settings, self.fit), self.time_limit_s)

    def __call__(self, path: str) -> Output:
        """Return a folder's clusters with what the exports of `ellimaps segment` and `fit` hold."""
        stack = load(path, self.settings)
        segmentation, suggestion = found_clusters(stack, self.settings)
        files = export_contents(
            segmentation,
            names=self.settings.names,
            regions=self.settings.regions,
            suggestion=suggestion,
        )
        table = _cluster_table(segmentation, self.settings.names)
        facts = _map_facts(segmentation, suggestion)
        if self.fit is not None:
            found = self._fitted(stack, segmentation)
            files |= {name: _without_seconds(name, content) for name, content in fit_contents(found).items()}
            table, facts = _with_fit(table, facts, found)
        overlay = files[f"{stack.name}_maps.png"]
        files |= {TABLE: program_csv_bytes(table), OVERLAY: overlay}
        return Output(files, facts, dict(stack.inputs), kinds_of(table))

    def _fitted(self, stack: ImageStack, segmentation: Segmentation) -> ShotFits | MapFit:
        assert self.fit is not None
        if self.fit.pixels:
            return fit_map(stack, self.fit.film, options=self.fit.options)
        return fit_shots(segmentation, self.fit.film, shared=self.fit.shared, options=self.fit.options)


def _cluster_table(segmentation: Segmentation, names: tuple[str, ...]) -> pd.DataFrame:
    """Return one row per cluster: its size, and its mean in every band."""
    total = max(int(segmentation.n_pixels.sum()), 1)
    order = range(segmentation.k)
    table = pd.DataFrame({"Cluster": list(order), "Pixels": segmentation.n_pixels})
    table["Fraction"] = segmentation.n_pixels / total
    if names:
        table.insert(3, "Name", list(names))
    bands = segmentation.stack.bands.reset_index(drop=True)
    columns = {_band_name(bands.iloc[band]): segmentation.means[:, band] for band in range(len(bands))}
    return pd.concat([table, pd.DataFrame(columns)], axis=1)


def _band_name(band: pd.Series[Any]) -> str:
    facts = [str(band["quantity"])]
    if isinstance(band["channel"], str) and band["channel"]:
        facts.append(band["channel"])
    units = (("wavelength_nm", "nm"), ("aoi_deg", "deg"), ("time_s", "s"))
    facts += [f"{band[key]:g} {unit}" for key, unit in units if pd.notna(band[key])]
    return " ".join(facts)


def _map_facts(segmentation: Segmentation, suggestion: Suggestion | None) -> dict[str, Any]:
    unlabelled = int((segmentation.labels < 0).sum())
    flags = [*segmentation.stack.warnings]
    facts: dict[str, Any] = {
        "no_data_fraction": unlabelled / segmentation.labels.size,
        "inertia": segmentation.inertia,
    }
    if suggestion is not None:
        flags += suggestion.remarks
        facts["alternative_k"] = suggestion.alternative_k
    facts |= acquisition_facts(segmentation.stack)
    return {"objects": segmentation.k, **facts, "flags": "; ".join(flags)}


def _with_fit(
    table: pd.DataFrame, facts: dict[str, Any], fit: ShotFits | MapFit
) -> tuple[pd.DataFrame, dict[str, Any]]:
    if isinstance(fit, MapFit):
        medians = {f"median_{name}": fit.median(name) for name in parameter_names(fit.model)}
        return table, facts | medians | {"trusted_fraction": fit.trusted_fraction}
    fitted = fit.table().drop(columns=["n_pixels"]).rename(columns={"cluster": "Cluster"})
    return table.merge(fitted, on="Cluster", how="left"), facts


def _without_seconds(name: str, content: bytes) -> bytes:
    if not name.endswith("_fit.json"):
        return content
    facts = json.loads(content)
    facts.pop("timings_s", None)
    return json_bytes(facts)
