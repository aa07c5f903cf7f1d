"""A run of CellProfiler made by hand: the tables it exports, and the medians that must come out."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd

OBJECTS = ("Cells", "Nuclei")
MEASURES = ("AreaShape_Area", "Intensity_MeanIntensity_DNA", "Texture_Entropy_ER_3_00_256")
LAYOUT = "well,compound,concentration_um,control\nA01,DMSO,,1\nA02,Taxol,5,0\nB01,DMSO,,1\nB02,Taxol,1,0\n"


def tables(plate: str = "P1", seed: int = 0, cells: int = 7) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Return the tables of a plate of four wells with two sites each, and the truth by well and site."""
    random = np.random.default_rng(seed)
    places = [(well, site) for well in ("A01", "A02", "B01", "B02") for site in (1, 2)]
    images = pd.DataFrame(
        {
            "Count_Cells": cells,
            "FileName_DNA": "a.tif",
            "ImageNumber": np.arange(1, 9),
            "Metadata_Plate": plate,
            "Metadata_Site": [site for _, site in places],
            "Metadata_Well": [well for well, _ in places],
        }
    )
    found, truth = {"Image": images}, pd.DataFrame(places, columns=["well", "field"])
    for kind in OBJECTS:
        values = random.lognormal(3, 1, (8, cells, len(MEASURES)))
        table = pd.DataFrame(values.reshape(-1, len(MEASURES)), columns=list(MEASURES))
        table.insert(0, "ImageNumber", np.repeat(np.arange(1, 9), cells))
        table.insert(1, "ObjectNumber", np.tile(np.arange(1, cells + 1), 8))
        found[kind] = table.assign(Location_Center_X=1.0, Parent_Nuclei=1, Number_Object_Number=1)
        for number, name in enumerate(MEASURES):
            # The middle of an odd number, without the function that is tested.
            truth[f"{kind}_{name}"] = np.sort(values[:, :, number], axis=1)[:, cells // 2]
        truth[f"{kind}_Number_Count"] = float(cells)
    return found, truth


def write_csv(folder: Path, made: dict[str, pd.DataFrame], prefix: str = "MyExpt_") -> Path:
    """Write what ExportToSpreadsheet writes."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in made.items():
        table.to_csv(folder / f"{prefix}{name}.csv", index=False)
    (folder / f"{prefix}Experiment.csv").write_text("Key,Value\nCellProfiler_Version,4.2.8\n")
    return folder


def write_sqlite(path: Path, made: dict[str, pd.DataFrame], prefix: str = "MyExpt_Per_") -> Path:
    """Write what ExportToDatabase writes, or with an empty prefix cytominer-database."""
    with closing(sqlite3.connect(path)) as database:
        for name, table in made.items():
            keys = ("ImageNumber", "TableNumber")
            renamed = table.rename(columns={one: f"{name}_{one}" for one in table if one not in keys})
            renamed.to_sql(f"{prefix}{name}", database, index=False)
        database.execute("CREATE TABLE Experiment (key TEXT, value TEXT)")
        database.commit()
    return path
