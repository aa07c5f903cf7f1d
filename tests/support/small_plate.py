"""A measured plate of 24 wells without measuring: pictures on disk, and profiles with known effects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile

from ellimaps.plates.measuring.plate import METADATA
from ellimaps.plates.measuring.profiles import Profiles, assemble, save_profiles
from ellimaps.plates.measuring.thumbnails import make_thumbnails, save_thumbnails
from ellimaps.plates.measuring.wells import well_name

DOSES = (0.1, 1.0, 10.0, 100.0)
EFFECTS = {"sizer": "nuclei_area", "dimmer": "mean_chDNA", "inert": ""}
CHANNELS = ("DNA", "ER")


def small_plate(root: Path, *, fields: int = 2, seed: int = 3) -> Profiles:
    """Three compounds at four doses and twelve control wells; pictures lie in ``root / pictures``."""
    random = np.random.default_rng(seed)
    rows, features = [], []
    for index in range(24):
        row, column = index // 6 + 1, index % 6 + 1
        compound, dose = ("DMSO", np.nan) if index >= 12 else (list(EFFECTS)[index // 4], DOSES[index % 4])
        well = f"{'ABCD'[row - 1]}{column:02d}"
        for field in range(1, fields + 1):
            files = [f"{well}_f{field}_{channel}.tif" for channel in CHANNELS]
            about = (well, row, column, field, compound, dose, "uM" if dose == dose else "", dose != dose)
            rows.append(("small", *about, ";".join(files)))
            features.append(_features(random, compound, dose))
            for number, name in enumerate(files):
                write_picture(root / "pictures" / name, random, 400 + 300 * number)
    facts = {"name": "small", "root": str(root / "pictures"), "channels": list(CHANNELS), "shape": [4, 6]}
    return assemble(pd.DataFrame(rows, columns=list(METADATA)), features, facts | {"mismatches": []})


def saved_small_plate(root: Path) -> Profiles:
    """Make it and save its profiles in ``root / results / small``."""
    profiles = small_plate(root)
    save_profiles(profiles, root / "results" / "small")
    return profiles


def write_picture(path: Path, random: np.random.Generator, brightness: int) -> None:
    """Write noise with one bright square, 16 bit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = random.normal(200, 20, (48, 48))
    values[12:30, 20:40] += brightness
    tifffile.imwrite(path, values.astype(np.uint16))


def _features(random: np.random.Generator, compound: str, dose: float) -> dict[str, float]:
    found = {
        "nuclei_count": random.normal(60, 4),
        "nuclei_area": random.normal(300, 8),
        "mean_chDNA": random.normal(500, 15),
        "texture_chER": random.normal(1.0, 0.05),
    }
    if EFFECTS.get(compound):
        name = EFFECTS[compound]
        found[name] *= 1 + 0.5 * dose / (dose + 2) * (1 if compound == "sizer" else -1)
    return found


def with_cells(root: Path, n: int, random: np.random.Generator) -> Profiles:
    """Make and save the plate with this many cells of two kinds, whose measurements differ."""
    profiles = small_plate(root)
    fields = profiles.fields
    owner = np.sort(random.integers(0, len(fields), n))
    cells = fields[["plate", "well", "field"]].iloc[owner].reset_index(drop=True)
    kind = random.random(n) < 0.3
    for number in range(12):
        cells[f"measure_{number}"] = random.normal(3.0 * kind * (number < 6), 1.0)
    found = replace(profiles, cells=cells)
    save_profiles(found, root / "results" / "small")
    return found


def many_wells(root: Path, n: int, seed: int = 0) -> Profiles:
    """Make wells of plates of 1536 with a field each, its images and thumbnails; save them."""
    random = np.random.default_rng(seed)
    rows, features = [], []
    for index in range(n):
        plate, place = divmod(index, 1536)
        row, column = place // 48 + 1, place % 48 + 1
        kind = list(EFFECTS)[index % 3]
        compound, dose = ("DMSO", np.nan) if column in (1, 48) else (kind, DOSES[index // 3 % 4])
        files = [f"{plate}_{well_name(row, column)}_{channel}.tif" for channel in CHANNELS]
        about = (well_name(row, column), row, column, 1, compound, dose, "uM" if dose == dose else "")
        rows.append((f"plate {plate}", *about, dose != dose, ";".join(files)))
        features.append(_features(random, compound, dose))
        for number, name in enumerate(files):
            write_picture(root / "pictures" / name, random, 400 + 300 * number)
    facts = {"name": "many", "root": str(root / "pictures"), "channels": list(CHANNELS), "shape": [32, 48]}
    made = assemble(pd.DataFrame(rows, columns=list(METADATA)), features, facts | {"mismatches": []})
    save_profiles(made, root / "results" / "many")
    save_thumbnails(make_thumbnails(made), root / "results" / "many")
    return made
