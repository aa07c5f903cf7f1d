"""Maps, clusters and fits as one NeXus file, from the maps and the files that were written about them."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ellimaps.core.errors import ExportError, SettingError
from ellimaps.core.files import write_listing
from ellimaps.core.inputs import InputFile
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.provenance import sha256, software_facts
from ellimaps.core.stack import ImageStack
from ellimaps.core.sums import WrittenSet, read_set
from ellimaps.core.swap import current, swapped
from ellimaps.readers import open_stack
from ellimaps.readers.tiff import opened_tiff
from ellimaps.writers.nexus import NexusResults, ParameterMap, write_nexus
from ellimaps.writers.nexus_facts import left_empty, read_facts

_Read = TypeVar("_Read")


def export_nexus(
    path: str | Path,
    out: str | Path,
    *,
    dataset: str | None = None,
    facts: str | Path | None = None,
    results: str | Path | None = None,
    on_progress: Progress = no_progress,
) -> list[str]:
    """Write Delta and Psi maps as NeXus (NXellipsometry), with what was found in them.

    Parameters
    ----------
    path, dataset
        As of `ellimaps.open_stack`.
    out : str or Path
        ``NAME.nxs``.
    facts : str or Path, optional
        TOML of what only the user knows, by the names of the definition.
    results : str or Path, optional
        Folder that `ellimaps segment` and `ellimaps fit` wrote about the same maps.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)``.

    Returns
    -------
    list of str
        The fields that nobody told, those that the definition requires first; the file lists them too.

    Raises
    ------
    ReadError
        If the maps, the facts or the results cannot be read.
    SettingError
        If the path holds no pairs of Delta and Psi maps, the results are of others, or a fact does not fit.
    ExportError
        If it cannot be written; then nothing has changed.
    """
    out = Path(out)
    told = read_facts(None if facts is None else Path(facts))
    stack = open_stack(path, dataset=dataset, on_progress=on_progress)
    found = NexusResults() if results is None else _results(Path(results), stack)
    listing = f"{out.stem}_export.json"
    inputs = dict(stack.inputs) | ({} if facts is None else {Path(facts).name: sha256(Path(facts))})
    about = {"software": software_facts(), "name": stack.name, "inputs_sha256": inputs}
    try:
        with swapped(out.parent, listing) as folder:
            write_nexus(stack, folder / out.name, told, found, on_progress)
            write_listing(folder, [out.name], listing, about | {"left_empty": left_empty(told)})
    except OSError as error:
        raise ExportError(
            f"{out} cannot be written ({error.strerror or error}): choose another place."
        ) from error
    return left_empty(told)


def _results(folder: Path, stack: ImageStack) -> NexusResults:
    segmented = _of_set(folder, f"{stack.name}_segmentation.json", stack, _segmentation)
    fitted = _of_set(folder, f"{stack.name}_fit.json", stack, _fit)
    if not segmented and not fitted:
        raise SettingError(
            f"{folder} holds no results about {stack.name}: give the folder of ellimaps segment or fit."
        )
    return NexusResults(**segmented, **fitted)


def _of_set(
    folder: Path, listing: str, stack: ImageStack, read: Callable[[WrittenSet, str], dict[str, Any]]
) -> dict[str, Any]:
    """Return what files say that were written together about these maps; nothing where there are none."""
    if not current(folder, listing).is_file():
        return {}

    def checked(files: WrittenSet) -> dict[str, Any]:
        if files.facts.get("inputs_sha256") != dict(stack.inputs):
            raise SettingError(f"{listing} in {folder} is about other maps than {stack.name}: run it again.")
        return read(files, stack.name)

    return read_set(folder, listing, checked)


def _segmentation(files: WrittenSet, name: str) -> dict[str, Any]:
    return {
        "segmentation": files.facts,
        "labels": _image(files, f"{name}_labels.tif"),
        "spectra": _table(files, f"{name}_clustershot_full.csv"),
    }


def _fit(files: WrittenSet, name: str) -> dict[str, Any]:
    images = [str(file) for file in files.facts["files"] if str(file).endswith(".tif")]
    called = {file: file.removeprefix(f"{name}_").removesuffix(".tif") for file in images}
    maps = {
        what: ParameterMap(
            _image(files, file),
            _image(files, f"{name}_{what}_se.tif") if f"{name}_{what}_se.tif" in called else None,
            "nm" if what.startswith("thickness") else "",
        )
        for file, what in called.items()
        if not what.endswith("_se")
    }
    return {"fit": files.facts, "table": _table(files, f"{name}_fit.csv"), "maps": maps}


def _image(files: WrittenSet, name: str) -> NDArray[Any]:
    with files.open(name) as stream, opened_tiff(InputFile(stream, name)) as picture:
        return np.array(picture.plane(0, 0, 0))


def _table(files: WrittenSet, name: str) -> pd.DataFrame | None:
    if name not in files:
        return None
    with files.open(name) as stream:
        return pd.read_csv(io.BytesIO(stream.read()))
