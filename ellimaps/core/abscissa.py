"""What a spectrum is drawn over: wavelength, angle of incidence, time, or the bands one by one."""

from __future__ import annotations

from ellimaps.core.stack import ImageStack

AXIS_TITLES = {
    "wavelength_nm": "wavelength (nm)",
    "aoi_deg": "angle of incidence (°)",
    "time_s": "time (s)",
    "frame": "time point (number)",
    "band": "band",
}
"""Titles of the columns of the band table, and of the bands' numbers, as axes."""


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


def film_abscissa_of(stack: ImageStack) -> str:
    """Return what measured and modelled spectra are drawn over: a single one still has a wavelength."""
    column = abscissa_of(stack)
    return "wavelength_nm" if column == "band" else column


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
