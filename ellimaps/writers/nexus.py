"""Writing NeXus: maps, the spectra of clusters and fits as NXellipsometry, an entry for each measurement.

The first entry is the map. Each cluster is an entry of its own with the same instrument and sample, since the
definition has one spectrum per entry; pyElli reads it as such.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import SettingError
from ellimaps.core.extras import optional
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.provenance import __version__
from ellimaps.core.stack import ANGLES, DELTA, PSI, ImageStack
from ellimaps.core.sums import seal
from ellimaps.readers.nexus import footer
from ellimaps.writers.nexus_facts import left_empty

DEFINITION = "NXellipsometry"
_VERSION = "v2026.01"
_URL = "https://manual.nexusformat.org/classes/applications/NXellipsometry.html"
_CLASSES = {
    "instrument": "NXinstrument",
    "instrument/beam_probe": "NXbeam",
    "instrument/detector_camera": "NXdetector",
    "instrument/device_information": "NXfabrication",
    "instrument/rotating_element": "NXwaveplate",
    "instrument/software_ellimaps": "NXprogram",
    "instrument/source_light": "NXsource",
    "sample": "NXsample",
    "sample/environment": "NXenvironment",
    "user": "NXuser",
}
"""Of the groups of an entry, by their paths."""


@dataclass(frozen=True)
class ParameterMap:
    """What was fitted, pixel by pixel: values, shape (y, x), with standard errors where there are some."""

    values: NDArray[Any]
    errors: NDArray[Any] | None = None
    unit: str = ""


@dataclass(frozen=True)
class NexusResults:
    """What was found in the maps.

    Attributes
    ----------
    labels : ndarray of int, shape (y, x), optional
        0 is no data, otherwise cluster + 1.
    spectra : DataFrame, optional
        Of clusters, as in ``NAME_clustershot_full.csv``.
    segmentation, fit : mapping
        The facts of both, as they stand beside their files.
    table : DataFrame, optional
        Of the fit, one row per cluster, as ``NAME_fit.csv``.
    maps : mapping of str to ParameterMap
        Of the fit.
    """

    labels: NDArray[np.integer[Any]] | None = None
    spectra: pd.DataFrame | None = None
    segmentation: Mapping[str, Any] = field(default_factory=dict)
    fit: Mapping[str, Any] = field(default_factory=dict)
    table: pd.DataFrame | None = None
    maps: Mapping[str, ParameterMap] = field(default_factory=dict)


def write_nexus(
    stack: ImageStack,
    file: Path,
    facts: Mapping[str, str],
    results: NexusResults,
    on_progress: Progress = no_progress,
) -> None:
    """Write maps and what was found in them.

    Parameters
    ----------
    stack : ImageStack
        Delta and Psi maps.
    file : Path
        Where to.
    facts : mapping of str to str
        What the user says, of `ellimaps.writers.nexus_facts.read_facts`.
    results : NexusResults
        What was found.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)``.

    Raises
    ------
    SettingError
        If the maps are no pairs of Delta and Psi.
    """
    pairs = stack.pairs()
    if pairs.empty or 2 * len(pairs) != stack.n_bands:
        raise SettingError(
            f"{stack.name} is no set of Delta and Psi maps in pairs, which NeXus files of ellipsometry hold: "
            "export it to .ome.zarr or .ome.tif."
        )
    told = _told(stack) | dict(facts)
    h5py = optional("h5py", "nexus", "NeXus files")
    with _whole(file) as stream, h5py.File(stream, "w") as root:
        root.attrs.update({"NX_class": "NXroot", "default": "entry", "creator": f"ellimaps {__version__}"})
        entry = _entry(root, "entry", told)
        _instrument(entry["instrument"], pairs)
        _maps(entry, stack, pairs, on_progress)
        record = _record(entry, stack, pairs, facts)
        if results.labels is not None:
            _labels(entry, results)
        if results.fit:
            _fit(entry, results)
        if results.spectra is not None:
            for cluster in results.spectra["cluster"].unique().tolist():
                spectrum = results.spectra.query("cluster == @cluster")
                _cluster(root, entry, told, cluster, spectrum)
    with file.open("ab") as end:
        end.write(footer(record))
    seal(file)


class _Steady(io.FileIO):
    """A file whose first failure to be written is kept, and what comes after it passed over."""

    failure: OSError | None = None

    def write(self, content: Any) -> int:
        """Write, or seem to."""
        return self._tried(lambda: self._all(memoryview(content)), len(content))

    def truncate(self, size: int | None = None) -> int:
        """Cut or lengthen, or seem to."""
        return self._tried(lambda: io.FileIO.truncate(self, size), size or 0)

    def _all(self, content: memoryview) -> int:
        done = 0
        while done < len(content):
            done += io.FileIO.write(self, content[done:]) or 0
        return done

    def _tried(self, way: Callable[[], int], otherwise: int) -> int:
        if self.failure is None:
            try:
                return way()
            except OSError as error:
                self.failure = error
        return otherwise


@contextmanager
def _whole(file: Path) -> Iterator[_Steady]:
    """Return a context with a file for HDF5, which a full disk leaves with an error of the system.

    The library can neither be stopped halfway nor close then without complaining on the terminal.
    """
    with _Steady(str(file), "w+b") as stream:
        yield stream
        if stream.failure is not None:
            raise stream.failure


def _told(stack: ImageStack) -> dict[str, str]:
    """Return what the measurement says, by paths below the entry."""
    told = {
        "title": stack.name,
        "experiment_type": "ellipsometry",
        "experiment_sub_type": "imaging",
        "experiment_description": stack.comment,
        "instrument/ellipsometer_type": "imaging ellipsometry",
        "instrument/beam_probe/parameter_reliability": "nominal",
        "instrument/detector_camera/detector_channel_type": "multichannel",
        "sample/name": stack.name,
    }
    return {path: text for path, text in told.items() if text}


def _group(parent: Any, name: str, kind: str, **attributes: Any) -> Any:
    group = parent.create_group(name)
    group.attrs["NX_class"] = kind
    for key, value in attributes.items():
        group.attrs[key] = value
    return group


def _entry(root: Any, name: str, told: Mapping[str, str]) -> Any:
    entry = _group(root, name, "NXentry")
    entry["definition"] = DEFINITION
    entry["definition"].attrs.update({"version": _VERSION, "URL": _URL})
    for path, text in told.items():
        parts = path.split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            above = "/".join(parts[:depth])
            if above not in entry:
                _group(entry, above, _CLASSES[above])
        entry[path] = text
    return entry


def _instrument(instrument: Any, pairs: pd.DataFrame) -> None:
    waves = np.unique(pairs["wavelength_nm"])
    _set(instrument["beam_probe"], "incident_wavelength", waves, "nm")
    _set(instrument, "angle_of_incidence", np.unique(pairs["aoi_deg"]), "degree")
    program = _group(instrument, "software_ellimaps", _CLASSES["instrument/software_ellimaps"])
    program["program"] = "ellimaps"
    program["program"].attrs["version"] = __version__


def _maps(entry: Any, stack: ImageStack, pairs: pd.DataFrame, on_progress: Progress) -> None:
    # Which pair a map belongs to may also be told by its angle.
    maps = _group(entry, "maps", "NXdata", signal=PSI, auxiliary_signals=[DELTA])
    maps.attrs.update({"axes": ["wavelength", "y", "x"], "angle_of_incidence_indices": 0})
    entry.attrs["default"] = "maps"
    _set(maps, "wavelength", pairs["wavelength_nm"].to_numpy(), "nm")
    _set(maps, "angle_of_incidence", pairs["aoi_deg"].to_numpy(), "degree")
    _pixels(maps, stack)
    for number, quantity in enumerate(ANGLES):
        # As they are, in one piece: so they can be read without HDF5.
        values = maps.create_dataset(quantity, (len(pairs), *stack.shape), "<f4")
        values.attrs["units"] = "degree"
        for at, band in enumerate(pairs[quantity.lower()]):
            values[at] = stack.values[band]
            stack.release()
            on_progress(number * len(pairs) + at + 1, stack.n_bands, "writing maps")


def _pixels(group: Any, stack: ImageStack) -> None:
    """Write where the pixels of maps lie: in micrometers, or by number where their size is not known."""
    side = stack.pixel_size_um or 1.0
    unit = "um" if stack.pixel_size_um else ""
    _set(group, "y", np.arange(stack.shape[0]) * side * stack.pixel_aspect, unit)
    _set(group, "x", np.arange(stack.shape[1]) * side, unit)


def _record(entry: Any, stack: ImageStack, pairs: pd.DataFrame, facts: Mapping[str, str]) -> dict[str, Any]:
    """Write and return what NeXus has no place for, so that the same stack can be read again."""
    start = {}
    for quantity in ANGLES:
        first = entry["maps"][quantity].id.get_offset()
        for at, band in enumerate(pairs[quantity.lower()]):
            start[int(band)] = first + 4 * at * stack.values[0].size
    bands = stack.bands.assign(start=[start[band] for band in range(stack.n_bands)])
    record = {
        "name": stack.name,
        "shape": list(stack.shape),
        "pixel_size_um": stack.pixel_size_um,
        "pixel_aspect": stack.pixel_aspect,
        "acquired_at": stack.acquired_at.isoformat() if stack.acquired_at else None,
        "comment": stack.comment,
        "warnings": list(stack.warnings),
        "inputs_sha256": dict(stack.inputs),
        "left_empty": left_empty(facts),
        "bands": {str(name): bands[name].tolist() for name in bands},
    }
    own = _group(entry, "ellimaps", "NXcollection")
    own["record"] = json.dumps(record)
    own["left_empty"] = left_empty(facts)
    return record


def _labels(entry: Any, results: NexusResults) -> None:
    data = _group(entry, "clusters", "NXdata", signal="labels", axes=["y", "x"])
    data.create_dataset("labels", data=results.labels, compression="gzip", compression_opts=1)
    for axis in ("y", "x"):
        data[axis] = entry["maps"][axis]
    clusters = results.segmentation["clusters"]
    own = entry["ellimaps"]
    own["cluster_names"] = [str(one.get("name", one["cluster"])) for one in clusters]
    own["segmentation"] = json.dumps(
        {key: results.segmentation[key] for key in ("settings", "preprocessing")}
    )


def _fit(entry: Any, results: NexusResults) -> None:
    fit = _group(entry, "fit", "NXprocess")
    fit["program"] = "ellimaps"
    fit["version"] = str(results.fit["software"]["version"])
    settings = _group(fit, "settings", "NXcollection")
    settings["model"] = str(results.fit["model"])
    for name in ("options", "noise", "preprocessing"):
        settings[name] = json.dumps(results.fit.get(name))
    if results.table is not None:
        table = _group(fit, "table", "NXcollection")
        for name in map(str, results.table):
            column = results.table[name]
            is_text = not pd.api.types.is_numeric_dtype(column)
            table[name] = column.fillna("").astype(str).tolist() if is_text else column.to_numpy()
    for name, found in results.maps.items():
        data = _group(fit, name, "NXdata", signal=name, axes=["y", "x"])
        _set(data, name, found.values, found.unit)
        if found.errors is not None:
            _set(data, f"{name}_errors", found.errors, found.unit)
        for axis in ("y", "x"):
            data[axis] = entry["maps"][axis]


def _cluster(root: Any, whole: Any, told: Mapping[str, str], cluster: int, spectrum: pd.DataFrame) -> None:
    """Write a cluster's spectrum as an entry; values that are not there are NaN."""
    entry = _entry(root, f"cluster_{cluster}", {path: text for path, text in told.items() if "/" not in path})
    for shared in ("instrument", "sample", "user"):
        if shared in whole:
            entry[shared] = whole[shared]
    angles, a = np.unique(spectrum["aoi_deg"], return_inverse=True)
    waves, w = np.unique(spectrum["wavelength_nm"], return_inverse=True)
    values = np.full((2, len(angles), 2, len(waves)), np.nan)
    values[:, a, (spectrum["quantity"] == DELTA).to_numpy(int), w] = spectrum[["mean", "std"]].to_numpy().T
    data = _group(entry, "data_collection", "NXdata", signal="measured_data")
    data.attrs["axes"] = ["angle_of_incidence", "observables", "wavelength_spectrum"]
    entry.attrs["default"] = "data_collection"
    data["data_type"] = "Psi/Delta"
    data["data_identifier"] = cluster
    # pyElli takes the numbers for angstrom, whatever the unit says.
    _set(data, "wavelength_spectrum", 10 * waves, "angstrom")
    _set(data, "angle_of_incidence", angles, "degree")
    data["observables"] = [PSI, DELTA]
    for name, numbers in zip(("measured_data", "measured_data_errors"), values, strict=True):
        _set(data, name, numbers, "degree")


def _set(group: Any, name: str, values: Sequence[float] | NDArray[Any], unit: str) -> None:
    group[name] = values
    if unit:
        group[name].attrs["units"] = unit
