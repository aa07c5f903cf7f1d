"""A lab in which every name that data brings tries to be more than a name."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile
from conftest import EXAMPLE

from ellimaps.batch.cells import CellWork
from ellimaps.batch.runner import run_batch, tree_of
from ellimaps.batch.work import attempt
from ellimaps.objects.analysis import CellSettings
from ellimaps.plates.measuring.profiles import Profiles, save_profiles
from ellimaps.plates.measuring.thumbnails import make_thumbnails, save_thumbnails
from ellimaps.samples import sample_cells
from ellimaps.samples.nuclei import nuclei_phantom
from support.cell_folder import cell_image
from support.small_plate import small_plate
from support.spots import spots_folder

HOST = "leak.invalid"
"""A name that no server answers to; a page that asks for it is seen asking."""
NAME = (
    f"![p](http://{HOST}/a.png) <img src=http://{HOST}/b.png onerror=alert(1)> [l](http://{HOST}) "
    "**bold** $x^2$ `code` :material/home: :red[red] :smile: ~~s~~ www.leak.invalid"
)
FILE = "![p](leak.png) <img src=leak.png> [l](javascript:alert(1)) **bold** $x^2$ `code` :red[red] :smile:"
"""The same for the name of a file or folder, which has no slash."""


def hostile_lab(root: Path) -> Path:
    """Write something for every page, with such names wherever a name can stand."""
    maps = root / f"maps {FILE}"
    shutil.copytree(EXAMPLE, maps)
    table = next(maps.glob("*.ds.dat"))
    nuclei = nuclei_phantom(6, size=(128, 128), count=8, crowding=0.5).image
    tifffile.imwrite(
        root / f"image {FILE}.ome.tif",
        np.stack([nuclei, nuclei]),
        metadata={"axes": "CYX", "Channel": {"Name": [NAME, f"second {NAME}"]}},
    )
    assert table.is_file()
    spots = spots_folder(root)
    (spots / "wafer.csv").rename(root / f"spots {FILE}.csv")
    (spots / "untitled.txt").rename(root / f"untitled {FILE}.txt")
    _log(root / "log.csv")
    _cells(root / f"cells {FILE}")
    _results(root / f"counted {FILE}")
    _plate(root / f"plate {FILE}")
    return root


def _log(path: Path) -> None:
    times = pd.date_range("2026-01-01", periods=15 * 48, freq="30min")
    random = np.random.default_rng(1)
    rooms = [
        pd.DataFrame(
            {
                "region": f"{room} {NAME}",
                "source_id": f"{room} {NAME}",
                "sensor_name": f"Temperature {NAME}",
                "datetime": times.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "sensor_value": 20 + np.sin(np.arange(len(times)) / 8) + random.normal(0, 0.1, len(times)),
                "UTCOffset": 0,
            }
        )
        for room in ("room", "instrument")
    ]
    pd.concat(rooms).to_csv(path, index=False)


def _cells(folder: Path) -> None:
    images = folder / "images"
    images.mkdir(parents=True)
    names = [f"{number:02d} {FILE}.tif" for number in range(16)]
    for number, name in enumerate(names):
        tifffile.imwrite(images / name, cell_image(number % 2, number, 96))
    labels = [f"{'round' if number % 2 else 'long'} {NAME}" for number in range(16)]
    pd.DataFrame({"image_id": names, f"kind {NAME}": labels}).to_csv(folder / "labels.csv", index=False)


def _results(root: Path) -> None:
    images = sample_cells(
        root / "plain", dates=1, subjects=2, experiments=2, fovs=2,
        size=(96, 96), count=(1, 4), radius=(8, 20), empty=0.2, seed=3,
    )  # fmt: skip
    tree = root / "tree"
    for number, image in enumerate(sorted(images.rglob("fov_*.png"))):
        place = tree / f"group {number % 2} {FILE}" / f"sample {number // 2} {FILE}"
        place.mkdir(parents=True, exist_ok=True)
        image.rename(place / f"{number} {FILE}.png")
    shutil.rmtree(root / "plain")
    sorted(tree.rglob("*.png"))[0].write_bytes(b"no image")
    out = root / "results"
    run_batch(
        tree_of(tree, out, "{image}/{title}/{FOV}", folders=False),
        CellWork(CellSettings(radius=(8, 25))),
        out,
        lambda work, tasks: ((task, attempt(work, str(task.item.path), task.files)) for task in tasks),
    )


def _plate(root: Path) -> None:
    plain = small_plate(root)
    names = {name: f"{name} {NAME}" for name in ("sizer", "dimmer", "inert", "DMSO")}
    features = {name: f"{name} {NAME}" for name in plain.features}
    fields, wells = (
        table.rename(columns=features).assign(
            compound=table["compound"].replace(names), plate=f"plate {NAME}"
        )
        for table in (plain.fields, plain.wells)
    )
    for table in (fields, wells):
        table["concentration_unit"] = table["concentration_unit"].where(table["concentration"].isna(), NAME)
    facts = plain.facts | {"name": NAME, "channels": [f"DNA {NAME}", f"ER {NAME}"]}
    profiles = Profiles(fields, wells, tuple(features.values()), facts)
    save_profiles(profiles, root / "results")
    save_thumbnails(make_thumbnails(profiles), root / "results")
