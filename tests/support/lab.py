"""A data root that holds something for every page."""

from __future__ import annotations

import shutil
from pathlib import Path

import tifffile
from conftest import EXAMPLE

from ellimaps.plates.measuring.profiles import save_profiles
from ellimaps.plates.measuring.thumbnails import make_thumbnails, save_thumbnails
from ellimaps.samples.nuclei import nuclei_phantom
from ellimaps.samples.sensors import sample_sensors
from support.cell_folder import write_cells
from support.cell_results import cell_results
from support.small_plate import small_plate
from support.spots import spots_folder


def write_lab(root: Path) -> Path:
    """Write maps, an image, spectra, a log, images of cells, results of a batch, and a measured plate."""
    shutil.copytree(EXAMPLE, root / "terraces")
    nuclei = nuclei_phantom(6, size=(256, 256), count=18, crowding=0.5).image
    tifffile.imwrite(root / "nuclei.tif", nuclei)
    spots_folder(root)
    sample_sensors(root / "demo", seed=1, days=15, every=10, instruments=1)
    write_cells(root / "cells", 16, 96)
    cell_results(root / "counted", size=(96, 96))
    profiles = small_plate(root / "plate")
    save_profiles(profiles, root / "plate" / "results")
    save_thumbnails(make_thumbnails(profiles), root / "plate" / "results")
    return root
