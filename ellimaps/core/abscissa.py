"""What a spectrum is drawn over: wavelength, angle of incidence, time, or the bands one by one."""

from __future__ import annotations

from typing import Protocol

from ellimaps.core.stack import ImageStack

AXIS_TITLES = {
    "wavelength_nm": "wavelength (nm)",
    "aoi_deg": "angle of incidence (°)",
    "time_s": "time (s)",
    "frame": "time point (number)",
    "band": "band",
}
"""Titles of the columns of the band table, and of the bands' numbers, as axes."""


class Sampled(Protocol):
    """What knows where Delta and Psi were measured: maps, or spectra of a file."""

    @property
    def wavelengths_nm(self) -> list[float]:
        """The different wavelengths in nm, ascending."""

    @property
    def angles_deg(self) -> list[float]:
        """The different angles of incidence in degrees, ascending."""


def abscissa_of(stack: ImageStack) -> str:
    """Return what the clustershots of a stack are drawn over in every figure and on every page.

    Returns
    -------
    str
        A column of the band table, or ``band`` for the bands' numbers; a key of `AXIS_TITLES`.
    """
    if (time := time_axis(stack)) is not None:
        return time
    wavelengths = stack.bands["wavelength_nm"]
    # Channels may lack a wavelength or share one: then they make no spectrum.
    spectral = stack.is_ellipsometric or (wavelengths.notna().all() and wavelengths.is_unique)
    if len(stack.wavelengths_nm) > 1 and spectral:
        return "wavelength_nm"
    return "aoi_deg" if len(stack.angles_deg) > 1 else "band"


def film_abscissa_of(sampled: Sampled) -> str:
    """Return what measured and modelled spectra are drawn over: a single point still has a wavelength."""
    over_angles = len(sampled.wavelengths_nm) <= 1 < len(sampled.angles_deg)
    return "aoi_deg" if over_angles else "wavelength_nm"


def along_curve(sampled: Sampled) -> str:
    """Return what is the same along a curve of Delta or Psi: the angle, or over angles the wavelength."""
    return "wavelength_nm" if film_abscissa_of(sampled) == "aoi_deg" else "aoi_deg"


def time_axis(stack: ImageStack) -> str | None:
    """Return the column of the band table that tells time points apart, None where there is no time.

    It is ``time_s`` where the files tell the time of every image, and ``frame`` otherwise. In maps of Delta
    and Psi ``time_s`` is the exposure, and they have no time points.
    """
    bands = stack.bands
    if stack.is_ellipsometric or "frame" not in bands or bands["frame"].nunique() < 2:
        return None
    channel = bands.groupby("frame").cumcount()
    timed = (
        bands["time_s"].notna().all()
        and not bands.assign(channel=channel).duplicated(["channel", "time_s"]).any()
    )
    return "time_s" if timed else "frame"
