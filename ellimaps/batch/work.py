"""What is done with one image or map folder: pure functions of its files and of frozen settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from importlib.metadata import version
from typing import Any, ClassVar, Protocol

import pandas as pd

from ellimaps.batch.times import acquisition_facts
from ellimaps.core.errors import EllimapsError
from ellimaps.core.files import csv_bytes
from ellimaps.core.parallel import one_thread
from ellimaps.core.stack import ImageStack
from ellimaps.maps.export import export_contents
from ellimaps.maps.films.files import fit_contents
from ellimaps.maps.films.fit import fit_map, fit_shots
from ellimaps.maps.films.results import MapFit, ShotFits, parameter_names
from ellimaps.maps.pipeline import found_clusters, load
from ellimaps.maps.segmentation import Segmentation
from ellimaps.maps.settings import Settings
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.model_file import model_text
from ellimaps.optics.spectra import FitOptions

FORMAT = 3
"""Raised where the files of a result change: what is kept is then computed again."""
TABLE, OVERLAY, LABELS, CROPS, CELLS = "table", "overlay", "labels", "crops", "cells"


@dataclass(frozen=True)
class Output:
    """What one image or folder gave.

    Attributes
    ----------
    files : dict of str to bytes
        Contents by role: :data:`TABLE`, :data:`OVERLAY`, :data:`LABELS`, :data:`CROPS`, :data:`CELLS`,
        overlays and labels with a suffix where a file holds several images; other names are files of its
        own.
    facts : dict
        Measures of the image as a whole, and ``objects``, their number.
    inputs : dict of str to str
        SHA-256 of the files read, by name.
    columns : dict of str to str
        Columns of the table, each ``number`` or ``text``.
    images : tuple of dict
        Facts of each image where a file holds several, with the ``suffix`` of its overlay.
    """

    files: dict[str, bytes]
    facts: dict[str, Any]
    inputs: dict[str, str]
    columns: dict[str, str]
    images: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Outcome:
    """An output, or the reason why there is none."""

    output: Output | None = None
    reason: str = ""


class Work(Protocol):
    """What is done with every image: chosen once, sent to every worker."""

    @property
    def lead(self) -> tuple[str, ...]:
        """The columns every table begins with."""

    def __call__(self, path: str) -> Output:
        """Do it with one image or folder."""

    def facts(self) -> dict[str, Any]:
        """Return every choice the result depends on, ready for JSON."""


@dataclass(frozen=True)
class FitRecipe:
    """A film model to fit to the clusters, or to every pixel."""

    film: ThinFilm
    options: FitOptions = field(default_factory=FitOptions)
    shared: tuple[str, ...] = ()
    pixels: bool = False

    def facts(self) -> dict[str, Any]:
        """Return every choice the fit depends on, ready for JSON."""
        # The text only names n, k files; their values count.
        values = sha256(repr(self.film).encode()).hexdigest()
        film = {"model": model_text(self.film), "sha256": values, "options": asdict(self.options)}
        return {**film, "shared": list(self.shared), "pixels": self.pixels}


@dataclass(frozen=True)
class MapWork:
    """Segment a measurement, and fit a film model where one is given."""

    settings: Settings = field(default_factory=Settings)
    fit: FitRecipe | None = None
    lead: ClassVar[tuple[str, ...]] = ("Cluster", "Pixels", "Fraction")

    def facts(self) -> dict[str, Any]:
        """Return every choice the result depends on, ready for JSON."""
        return {"settings": asdict(self.settings), "fit": self.fit.facts() if self.fit else None}

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
        table, facts = _cluster_table(segmentation, self.settings.names), _map_facts(segmentation)
        if self.fit is not None:
            found = self._fitted(stack, segmentation)
            files |= {name: _without_seconds(name, content) for name, content in fit_contents(found).items()}
            table, facts = _with_fit(table, facts, found)
        overlay = files[f"{stack.name}_maps.png"]
        files |= {TABLE: csv_bytes(table), OVERLAY: overlay}
        return Output(files, facts, dict(stack.inputs), kinds_of(table))

    def _fitted(self, stack: ImageStack, segmentation: Segmentation) -> ShotFits | MapFit:
        assert self.fit is not None
        if self.fit.pixels:
            return fit_map(stack, self.fit.film, options=self.fit.options)
        return fit_shots(segmentation, self.fit.film, shared=self.fit.shared, options=self.fit.options)


def recipe_hash(work: Work) -> str:
    """Return a hash of every choice, and of the version of ellimaps: another one may compute differently."""
    facts = {"ellimaps": version("ellimaps"), "format": FORMAT, **work.facts()}
    return sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def attempt(work: Work, path: str, expected: Mapping[str, str]) -> Outcome:
    """Do the work with one image, in one thread; whatever goes wrong becomes a reason.

    Parameters
    ----------
    work : Work
        What to do.
    path : str
        The image or folder, or what else the work takes.
    expected : mapping of str to str
        SHA-256 of its files when they were chosen, by name.
    """
    try:
        with one_thread():
            output = work(path)
    except EllimapsError as error:
        return Outcome(reason=_line(str(error)))
    except MemoryError:
        return Outcome(reason="There is not enough memory for it.")
    except Exception as error:
        return Outcome(reason=_line(f"{type(error).__name__}: {error}"))
    changed = [name for name, digest in output.inputs.items() if expected.get(name, digest) != digest]
    if changed:
        return Outcome(reason=f"{changed[0]} changed while it was read: run again.")
    return Outcome(output)


def _line(text: str) -> str:
    return " ".join(text.split())[:500]


def with_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Make flags numbers, so that every measurement has the same type in every image."""
    flags = [column for column in table if table[column].dtype == bool]
    return table.astype(dict.fromkeys(flags, int))


def kinds_of(table: pd.DataFrame) -> dict[str, str]:
    """Return of each column whether it is ``number`` or ``text``."""
    return {
        str(name): "number" if pd.api.types.is_numeric_dtype(dtype) else "text"
        for name, dtype in table.dtypes.items()
    }


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


def _map_facts(segmentation: Segmentation) -> dict[str, Any]:
    unlabelled = int((segmentation.labels < 0).sum())
    flags = "; ".join(segmentation.stack.warnings)
    facts: dict[str, Any] = {
        "no_data_fraction": unlabelled / segmentation.labels.size,
        "inertia": segmentation.inertia,
    }
    facts |= acquisition_facts(segmentation.stack)
    return {"objects": segmentation.k, **facts, "flags": flags}


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
    return (json.dumps(facts, indent=2, ensure_ascii=False) + "\n").encode()
