"""Readers: a path or a stream becomes an ImageStack, chosen by what the files hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

from ellimaps.core.errors import ReadError, SettingError
from ellimaps.core.inputs import InputFile, first_bytes
from ellimaps.core.progress import Progress, no_progress
from ellimaps.core.provenance import sha256
from ellimaps.core.reach import refuse_outside
from ellimaps.core.stack import ImageStack
from ellimaps.readers import accurion_dat, accurion_png, ep4, ep4_datasets, nexus, pictures, tiff
from ellimaps.readers.ep4_datasets import Ep4Dataset, Folder, facts_seen, look_into
from ellimaps.readers.foreign import foreign_format
from ellimaps.readers.nexus import NexusMaps
from ellimaps.readers.ome_zarr import is_zarr
from ellimaps.readers.pictures import PictureSet, PlaneNumber
from ellimaps.readers.planes import Axis, Choice, Planes, planes_of
from ellimaps.readers.vendors import is_vendors

__all__ = ["PlaneNumber", "list_datasets", "open_planes", "open_stack", "opened_image", "picture_axes"]

_Found = Ep4Dataset | PictureSet | NexusMaps
_Dataset = TypeVar("_Dataset", Ep4Dataset, PictureSet, _Found)


def open_stack(
    path: str | Path | BinaryIO,
    *,
    dataset: str | None = None,
    name: str | None = None,
    z: Axis = None,
    t: Axis = None,
    scene: int | None = None,
    channels: Sequence[str] = (),
    working_set_gb: float | None = None,
    on_progress: Progress = no_progress,
) -> ImageStack:
    """Open a measurement as a stack of images.

    Parameters
    ----------
    path : str, Path or binary stream
        An Accurion EP4 folder, with or without its ``.ds.dat``; the ``.ds.dat`` itself; or one of its PNGs.
        Or a TIFF, OME-TIFF, ImageJ stack or PNG, or a folder of them; of these one file may be a stream.
        Or an OME-Zarr image or plate, whose fields are its data sets; or maps that were exported as NeXus.
    dataset : str, optional
        The name of the data set to open where the folder holds several, or the name of its file.
    name : str, optional
        What a stream is called, as files are by their names.
    z : int, "max" or "mean", optional
        Which focal plane of a TIFF, from 0, or how to project them; by default the maximum.
    t : int, "max" or "mean", optional
        Which time point of a TIFF, from 0, or how to project them; by default each is a band.
    scene : int, optional
        Which image of an OME-TIFF that holds several, from 0; by default the first.
    channels : sequence of str
        New names for the channels of pictures, one each: ``NAME``, or ``NAME@NM`` with a wavelength.
    working_set_gb : float, optional
        Memory that work on the stack may take, in GB; 4 by default. The values of a stack that would fill
        it lie in a temporary file; everything else is the same.
    on_progress : callable, optional
        Called as ``on_progress(done, total, what)`` while maps are read.

    Returns
    -------
    ImageStack
        Delta and Psi maps in degrees, in the order of the table; or intensities, one band per channel and
        time point.

    Raises
    ------
    ReadError
        If the path does not hold exactly the data asked for, or the data are damaged.
    SettingError
        If z, t, scene or channels do not fit the file, or are given for Delta and Psi maps; if neither memory
        nor the temporary folder has room for the values.
    """
    choice = Choice(z, t, tuple(channels), working_set_gb, scene)
    if isinstance(path, str | Path):
        found = _dataset_at(_existing(path), dataset)
    else:
        found = _picture_in(InputFile(path, name))
    if isinstance(found, PictureSet):
        return pictures.read_pictures(found, choice, on_progress)
    if choice != Choice(working_set_gb=working_set_gb):
        raise SettingError(f"{found.name} holds Delta and Psi maps: leave z, t, scene and channels out.")
    return _maps(found, working_set_gb, on_progress)


def open_planes(
    path: str | Path,
    *,
    z: Axis = None,
    t: Axis = None,
    scene: int | None = None,
    working_set_gb: float | None = None,
) -> Iterator[tuple[PlaneNumber, ImageStack]]:
    """Open a picture plane by plane: a stack of its channels for each scene, time point and focal plane.

    Parameters
    ----------
    path : str or Path
        A TIFF, PNG or OME-Zarr image, or a folder of single ones.
    z, t : int, "max" or "mean", optional
        One plane or time point, or a projection, in place of each.
    scene : int, optional
        One image of an OME-TIFF that holds several, in place of each.
    working_set_gb : float, optional
        See `open_stack`.

    Raises
    ------
    ReadError
        If the path holds no picture, or a damaged one.
    SettingError
        If it holds Delta and Psi maps, or has no such plane.
    """
    found = _dataset_at(_existing(path), None)
    if not isinstance(found, PictureSet):
        raise SettingError(f"{found.name} holds Delta and Psi maps: objects are found in intensities.")
    yield from pictures.each_plane(found, Choice(z, t, (), working_set_gb, scene))


@contextmanager
def opened_image(
    path: str | Path, *, dataset: str | None = None, scene: int | None = None
) -> Iterator[tuple[Planes, dict[str, str]]]:
    """Open all planes of an image as they are stored; of Delta and Psi maps each is a channel.

    Parameters
    ----------
    path, dataset, scene
        As of `open_stack`.

    Yields
    ------
    Planes
        They can be read inside the context.
    dict of str to str
        SHA-256 of every file, by name.

    Raises
    ------
    ReadError
        As `open_stack`; also for planes read inside.
    SettingError
        If there is no such scene.
    """
    found = _dataset_at(_existing(path), dataset)
    if isinstance(found, PictureSet):
        with pictures.opened_set(found, scene) as picture:
            yield picture, {file.name: file.seen(sha256) for file in picture.files}
    else:
        stack = _maps(found)
        yield planes_of(stack), dict(stack.inputs)


def _maps(
    found: Ep4Dataset | NexusMaps, working_set_gb: float | None = None, on_progress: Progress = no_progress
) -> ImageStack:
    if isinstance(found, NexusMaps):
        return nexus.read_maps(found, working_set_gb, on_progress)
    return ep4.read_dataset(found, working_set_gb, on_progress)


def list_datasets(path: str | Path) -> list[str]:
    """Name the data sets in a folder.

    Raises
    ------
    ReadError
        If the folder does not exist or cannot be read.
    """
    return _names(_find(look_into(_existing(path))))


def picture_axes(path: str | Path, dataset: str | None = None) -> tuple[int, int]:
    """Return how many time points and focal planes z and t choose from; 1 and 1 for Delta and Psi maps.

    Raises
    ------
    ReadError
        As `open_stack` does.
    """
    found = _dataset_at(_existing(path), dataset)
    return pictures.axes_of(found) if isinstance(found, PictureSet) else (1, 1)


def _existing(path: str | Path) -> Path:
    try:
        found = Path(path).expanduser()
        exists = bool(str(path).strip()) and found.exists()
        refuse_outside(found)
        found = found.resolve()
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ReadError(f"{str(path)[:300]!r} cannot be opened ({reason}): check the path.") from error
    if not exists:
        raise ReadError(f"{str(path)[:300]!r} does not exist: check the path.")
    return found


def _find(folder: Folder) -> list[_Found]:
    """List what a folder holds: pictures count where there are no measured maps."""
    if is_zarr(folder.path):
        return [*pictures.zarr_pictures(folder.path)]
    exported = [NexusMaps(file) for file in folder.files if nexus.is_nexus(file)]
    return [*ep4_datasets.find_datasets(folder), *exported] or [*pictures.find_pictures(folder)]


def _dataset_at(path: Path, dataset: str | None) -> _Found:
    if path.is_dir():
        folder = look_into(path)
        return _choose(folder, _find(folder), dataset)
    if not path.is_file():
        raise ReadError(f"{path.name} is neither a file nor a folder: open an EP4 folder or its .ds.dat.")
    file = InputFile(path)
    if accurion_png.is_png(file):
        return _dataset_around(file, dataset)
    if tiff.is_tiff(file):
        return pictures.picture_set(file)
    if nexus.is_nexus(file):
        return NexusMaps(file)
    if is_vendors(file):
        return pictures.picture_set(file)
    if path.name.lower().endswith(".dat") or accurion_dat.is_table(file):
        folder = _around(file)
        return _choose(folder, [ep4_datasets.table_dataset(folder, file)], dataset)
    raise _unknown(file, "open an EP4 folder or its .ds.dat, a TIFF or a PNG")


def _around(file: InputFile) -> Folder:
    """Look into the folder of a file, which keeps what was seen of the file."""
    folder = look_into(file.path.parent)
    return Folder(folder.path, [file if one.name == file.name else one for one in folder.files])


def _picture_in(stream: InputFile) -> PictureSet:
    if not pictures.is_picture(stream):
        raise _unknown(stream, "give a TIFF or a PNG")
    if accurion_png.is_png(stream) and facts_seen(stream).has_values:
        raise ReadError(f"{stream.name} is one map of a data set: open its folder instead.")
    return pictures.picture_set(stream)


def _unknown(file: InputFile, remedy: str) -> ReadError:
    begins = file.seen(first_bytes)
    if foreign := foreign_format(begins):
        return ReadError(f"{file.name} is a {foreign[0]}, which ellimaps does not read: {foreign[1]}.")
    why = f"it begins with the bytes {begins.hex(' ')}" if begins else "it is empty"
    return ReadError(f"{file.name} is not a measurement ellimaps knows ({why}): {remedy}.")


def _dataset_around(png: InputFile, dataset: str | None) -> Ep4Dataset | PictureSet:
    """Return the data set that a PNG is part of, or the one asked for in its folder; else the PNG itself."""
    folder = _around(png)
    if dataset is None and _is_alone(png, folder):
        return pictures.picture_set(png)
    found = ep4_datasets.find_datasets(folder)
    if dataset is not None:
        return _choose(folder, found, dataset)
    chosen = ep4_datasets.dataset_of_png(found, png)
    if chosen is None:
        facts = facts_seen(png)
        if not found and not facts.has_values and facts.quantity is None:
            return pictures.picture_set(png)
        accurion_png.require_values(png.name, facts)
        raise ReadError(f"{png.name} belongs to no data set of Delta and Psi maps: open its folder instead.")
    return chosen


def _is_alone(png: InputFile, folder: Folder) -> bool:
    """Whether a PNG is an ordinary image and no table can name it; its neighbors need not be read then."""
    facts = facts_seen(png)
    if facts.has_values or facts.quantity is not None:
        return False
    return not any(file.name.lower().endswith(".dat") for file in folder.files)


def _choose(folder: Folder, found: Sequence[_Dataset], dataset: str | None) -> _Dataset:
    if not found:
        raise ReadError(
            f"{folder.path} holds no Delta and Psi maps and no pictures: "
            "choose the folder with the .ds.dat or the pictures."
        )
    names = _names(found)
    if dataset is not None:
        chosen = [one for one, name in zip(found, names, strict=True) if dataset in (name, one.where)]
        if len(chosen) != 1:
            raise ReadError(
                f"{folder.path} has no data set {dataset[:200]!r}: choose one of {_enumerate(names)}."
            )
        return chosen[0]
    if len(found) > 1:
        raise ReadError(
            f"{folder.path} holds {len(found)} data sets: choose one of them (dataset=), {_enumerate(names)}."
        )
    return found[0]


def _names(found: Sequence[_Dataset]) -> list[str]:
    """Tell data sets apart: by name, or by the table's file name where two have the same."""
    names = [dataset.name for dataset in found]
    return [one.where if names.count(one.name) > 1 else one.name for one in found]


def _enumerate(names: list[str]) -> str:
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(names[:10]) + more
