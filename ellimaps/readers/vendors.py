"""Formats of microscopes that a plug-in of bioio reads, where one is installed whose license is like ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ellimaps.core.errors import EllimapsError, ReadError, SettingError
from ellimaps.core.inputs import InputFile, first_bytes
from ellimaps.readers.foreign import PLUGINS, foreign_format
from ellimaps.readers.planes import RGB_NAMES, PlaneChannel, Planes

# A day at twelve frames a second, as of OME-Zarr.
_MOST_PLANES = 1 << 20


def is_vendors(file: InputFile) -> bool:
    """Tell by its first bytes whether a file is of a format that an installed plug-in reads."""
    return _plugin(file) is not None


def _plugin(file: InputFile) -> str | None:
    """Return the module that reads a file; None where there is none, or it is not installed."""
    try:
        found = foreign_format(file.seen(first_bytes)) if file.is_on_disk else None
    except ReadError:
        return None
    module = PLUGINS.get(found[0]) if found else None
    return module if module and find_spec(module) else None


@contextmanager
def opened_vendors(file: InputFile, scene: int | None = None) -> Iterator[Planes]:
    """Open a file of a microscope as `Planes` that can be read inside the context.

    Parameters
    ----------
    file : InputFile
        The file.
    scene : int, optional
        Which of its images, from 0; by default the first.

    Raises
    ------
    ReadError
        If the plug-in cannot read it; also for planes read inside.
    SettingError
        If it has no such scene.
    """
    module = _plugin(file)
    assert module is not None
    try:
        with file.open() as stream:
            n_bytes = stream.seek(0, 2)
        reader = import_module(module).Reader(str(file.path))
        yield _planes(file, reader, scene, n_bytes)
    except EllimapsError:
        raise
    except MemoryError as error:
        raise ReadError(f"{file.name} does not fit into memory: choose a part of it.") from error
    # A plug-in raises whatever its parsing stumbles over.
    except Exception as error:
        reason = " ".join(str(error).split()).rstrip(".").replace(". ", ", ") or type(error).__name__
        raise ReadError(f"{file.name} cannot be read by {module} ({reason:.120}): copy it again.") from error


def _planes(file: InputFile, reader: Any, scene: int | None, n_bytes: int) -> Planes:
    scenes = list(reader.scenes)
    if (scene or 0) >= len(scenes):
        raise SettingError(f"{file.name} has no scene = {scene}: it has {len(scenes)}, counted from 0.")
    reader.set_scene(scenes[scene or 0])
    sizes = dict(zip(reader.dims.order, reader.dims.shape, strict=True))
    if set(sizes) - set("TCZYXS"):
        raise ReadError(f"{file.name} has the axes {reader.dims.order}: save it as one image, stitched.")
    samples = min(sizes.get("S", 1), len(RGB_NAMES))
    n_times, n_outer, n_planes = (sizes.get(axis, 1) for axis in "TCZ")
    if n_times * n_outer * n_planes > _MOST_PLANES:
        raise ReadError(f"{file.name} declares more than {_MOST_PLANES:,} planes: do not trust it.")

    def plane(t: int, c: int, z: int) -> NDArray[Any]:
        outer, sample = divmod(c, samples)
        if samples == 1:
            return np.asarray(_read(reader, "YX", T=t, C=outer, Z=z))
        return np.asarray(_read(reader, "YXS", T=t, C=outer, Z=z)[..., sample])

    size = reader.physical_pixel_sizes
    several = len(scenes) > 1 and scene is None
    return Planes(
        name=Path(file.name).stem,
        source=file.path,
        shape=(n_times, n_outer * samples, n_planes, sizes["Y"], sizes["X"]),
        plane=plane,
        channels=_channels(reader, n_outer, samples),
        file_of=lambda *_: file.name,
        files=[file],
        times_s=np.repeat(_times(reader, n_times)[:, None], n_outer * samples, axis=1),
        n_scenes=len(scenes),
        samples=samples,
        pixel_size_um=_length(size.X),
        pixel_aspect=size.Y / size.X if _length(size.X) and _length(size.Y) else 1.0,
        plane_distance_um=_length(size.Z),
        packed_bytes=n_bytes,
        warnings=(f"{file.name} holds {len(scenes)} images; the first was read.",) if several else (),
    )


def _read(reader: Any, order: str, **at: int) -> Any:
    """Return one plane; in this thread, as several would read one file."""
    return reader.get_image_dask_data(order, **at).compute(scheduler="synchronous")


def _channels(reader: Any, count: int, samples: int) -> list[PlaneChannel]:
    names = reader.channel_names or []
    if len(names) != count:
        names = [f"channel {number}" if count > 1 else "" for number in range(1, count + 1)]
    colors = RGB_NAMES[:samples] if samples > 1 else ("",)
    return [PlaneChannel(f"{name} {color}".strip()) for name in names for color in colors]


def _length(said: Any) -> float | None:
    return float(said) if said is not None and 0 < said < np.inf else None


def _times(reader: Any, count: int) -> NDArray[np.float64]:
    step: Any = getattr(reader, "time_interval", None)
    seconds = step.total_seconds() if hasattr(step, "total_seconds") else np.nan
    return np.arange(count) * (seconds if count > 1 else np.nan)
