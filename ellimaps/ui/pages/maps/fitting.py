"""Film models and fits in the workbench: where models come from, and fits kept between page runs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from ellimaps.core.errors import EllimapsError, ReadError, SettingError
from ellimaps.core.progress import Progress, no_progress
from ellimaps.maps.films.fit import fit_map, fit_shots
from ellimaps.maps.films.reference import Reference
from ellimaps.maps.films.results import MapFit, ShotFits
from ellimaps.maps.settings import Settings
from ellimaps.optics.crystals import AnyMaterial
from ellimaps.optics.fit_options import FitOptions
from ellimaps.optics.library import read_nk
from ellimaps.optics.model import ThinFilm
from ellimaps.optics.model_file import MAX_MODEL_BYTES, read_model
from ellimaps.spectra.fit import SpectraFits, fit_spectra
from ellimaps.ui.pages.maps.loading import PREPARATION, Source, loaded_spectra, prepared, segmented
from ellimaps.ui.shared.cache import MEGABYTE, BoundedCache
from ellimaps.ui.shared.uploads import store_uploads

MODEL_NAME = "model.toml"
OWN_MODEL = "my own"


def _map_bytes(fit: MapFit) -> int:
    arrays = (fit.parameters, fit.standard_errors, fit.mse, fit.chi2, fit.n_wavelengths, fit.flags, fit.other)
    return sum(array.nbytes for array in arrays)


# Spectra of a few clusters and the labels they were read with; a megapixel of fits is 43 MB.
FITS: BoundedCache[ShotFits] = BoundedCache(
    256 * MEGABYTE, lambda fits: fits.psi_deg.nbytes + fits.segmentation.labels.nbytes
)
MAP_FITS: BoundedCache[MapFit] = BoundedCache(1024 * MEGABYTE, _map_bytes)
SPECTRA_FITS: BoundedCache[SpectraFits] = BoundedCache(
    64 * MEGABYTE, lambda fits: int(fits.spectra.table.memory_usage().sum())
)


@dataclass(frozen=True)
class FitSetup:
    """What is fitted and how: the model with the contents of its tables, and the options.

    Attributes
    ----------
    model : ThinFilm
        The model.
    shared : tuple of str
        Parameters with one value for all clusters; pixels share nothing.
    options : FitOptions
        Standard deviations and limits.
    """

    model: ThinFilm
    shared: tuple[str, ...] = ()
    options: FitOptions = field(default_factory=FitOptions)

    @property
    def key(self) -> str:
        """Tells setups apart; a model's text would not, as it names n, k files and does not hold them."""
        return hashlib.sha256(repr(self).encode()).hexdigest()


class PickedPixel(NamedTuple):
    """A pixel of the fitted maps that was clicked, and the cluster that was chosen with it."""

    x: int
    y: int
    cluster: int


@dataclass
class FilmWork:
    """The film model of the open measurement, and what was fitted with it.

    Attributes
    ----------
    model : ThinFilm, optional
        The model as it stands; None until the one of this name was made.
    name : str
        Which of the models offered it is.
    edition : int
        Counts the models put in place as a whole; controls of an earlier one are forgotten.
    materials : dict
        The user's own materials, by name.
    setup : FitSetup, optional
        What the clusters were fitted with last.
    mapped : (key, MapFit), optional
        The last fit of every pixel, and what it depends on.
    pixels_wanted : bool
        Whether every pixel is to be fitted as before, without being asked.
    references : dict
        Thicknesses taken from clusters, by the number of the layer.
    line : tuple of (x, y)
        Ends of the profile line; none for the middle row.
    pixel : PickedPixel, optional
        The pixel whose spectrum is shown in place of the chosen cluster's.
    """

    model: ThinFilm | None = None
    name: str = ""
    edition: int = 0
    materials: dict[str, AnyMaterial] = field(default_factory=dict)
    setup: FitSetup | None = None
    mapped: tuple[Any, MapFit] | None = None
    pixels_wanted: bool = False
    references: dict[int, Reference] = field(default_factory=dict)
    line: tuple[tuple[float, float], ...] = ()
    pixel: PickedPixel | None = None

    def unpick(self) -> None:
        """Show the chosen cluster again."""
        self.pixel = None

    def put(self, name: str, model: ThinFilm | None) -> None:
        """Put another model in place; without one it is made by its name."""
        self.name, self.model, self.references = name, model, {}
        self.edition += 1

    def renewed(self) -> FilmWork:
        """Return what stays when another measurement is opened: the user's own materials."""
        return FilmWork(edition=self.edition + 1, materials=self.materials)


@dataclass(frozen=True)
class Upload:
    """What came with an upload: a model, or materials for building one."""

    model: ThinFilm | None
    materials: tuple[AnyMaterial, ...]


def fitted_shots(source: Source, settings: Settings, setup: FitSetup) -> ShotFits:
    """Return the fits of the clusters that the settings describe."""
    segmentation = segmented(source, settings)
    return FITS.get(
        (source, settings, setup.key),
        lambda: fit_shots(segmentation, setup.model, shared=setup.shared, options=setup.options),
    )


def fitted_map(
    source: Source, settings: Settings, setup: FitSetup, on_progress: Progress = no_progress
) -> MapFit:
    """Return the fit of every pixel of the preprocessed maps.

    Parameters
    ----------
    source : Source
        The measurement.
    settings : Settings
        How it is preprocessed.
    setup : FitSetup
        What is fitted.
    on_progress : callable
        Called as ``on_progress(done, total, what)``.
    """

    def make() -> MapFit:
        stack = prepared(source, settings, on_progress)
        return fit_map(stack, setup.model, options=setup.options, on_progress=on_progress)

    return MAP_FITS.get(map_key(source, settings, setup), make)


def fitted_spectra(source: Source, setup: FitSetup) -> SpectraFits:
    """Return the fits of the spectra of a file."""
    spectra = loaded_spectra(source)
    return SPECTRA_FITS.get((source, setup.key), lambda: fit_spectra(spectra, setup.model, setup.options))


def last_shots(film: FilmWork, source: Source, settings: Settings) -> ShotFits | None:
    """Return the fits of the clusters that the settings describe, if any were made of this measurement."""
    return None if film.setup is None else fitted_shots(source, settings, film.setup)


def last_map(film: FilmWork, source: Source, settings: Settings) -> MapFit | None:
    """Return the fit of every pixel, if there is one of these maps with the model of the clusters."""
    if film.setup is None or film.mapped is None or film.mapped[0] != map_key(source, settings, film.setup):
        return None
    return film.mapped[1]


def map_key(source: Source, settings: Settings, setup: FitSetup) -> tuple[Any, ...]:
    """Return what a fit of every pixel depends on."""
    alone = replace(setup, shared=())
    return source, tuple(getattr(settings, name) for name in PREPARATION), alone.key


def folder_model(source: Source) -> ThinFilm | None:
    """Return the model that lies in the folder of a measurement; None if there is none.

    Raises
    ------
    ReadError, SettingError
        If it cannot be read, makes no model, or is or names a link that leads out of the folder.
    """
    path = Path(source.path)
    folder = path if path.is_dir() else path.parent
    model = folder / MODEL_NAME
    if not model.is_file():
        return None
    _check_link(model)
    with model.open("rb") as file:
        content = file.read(MAX_MODEL_BYTES)
    for beside in folder.iterdir():
        if beside.name.encode() in content:
            _check_link(beside)
    return _read(model)


def uploaded(files: Iterable[Any]) -> Upload:
    """Return the model and the n, k tables among uploaded files (``name`` and ``read``).

    Raises
    ------
    ReadError, SettingError
        If there are several models, or a file is not what it should be.
    """
    with store_uploads(files) as name:
        folder = Path(name)
        models = sorted(folder.glob("*.toml"))
        if len(models) > 1:
            raise ReadError(f"{len(models)} models were uploaded: upload one .toml with its n, k files.")
        tables = [file for file in sorted(folder.iterdir()) if file not in models]
        if not models and not tables:
            raise ReadError("Choose a model (.toml), or n, k files, first.")
        try:
            materials = tuple(read_nk(file) for file in tables)
        except EllimapsError as error:
            raise _without_folder(error, folder) from None
        return Upload(_read(models[0]) if models else None, materials)


def _check_link(file: Path) -> None:
    if file.is_symlink() and file.resolve().parent != file.parent.resolve():
        raise ReadError(
            f"{file.name} in the measurement's folder leads out of it: put the file itself there."
        )


def _read(path: Path) -> ThinFilm:
    """Read a model; a message does not tell where the server keeps it."""
    try:
        return read_model(path)
    except EllimapsError as error:
        raise _without_folder(error, path.parent) from None


def _without_folder(error: EllimapsError, folder: Path) -> EllimapsError:
    kind = SettingError if isinstance(error, SettingError) else ReadError
    return kind(str(error).replace(f"{folder}/", "").replace(f"{folder}\\", ""))
