"""
Write a reader
==============

Maps in a format that ellimaps does not know need a function of a dozen lines: it returns an ``ImageStack``,
and all else works on it. Here a made-up text format; the truth is a map of three oxides.
"""

from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import ellimaps as em

scratch = TemporaryDirectory()
path = Path(scratch.name) / "wafer.maps"

# %%
# Somebody's file: a line of facts, then for each wavelength a map of Psi and one of Delta, -1 where nothing
# was measured.

waves = np.linspace(450, 700, 6)
y, x = np.mgrid[:48, :64]
kind = (x > 20).astype(int) + (np.hypot(y - 24, x - 46) < 12)
noise = np.random.default_rng(0)
films = [em.ThinFilm("Si", em.Layer("SiO2", nm), aoi_deg=60.0).psi_delta(waves) for nm in (20.0, 60.0, 110.0)]
lines = ["#somebody's maps;aoi=60;pixel_um=2.5;rows=48"]
for number, wave in enumerate(waves):
    for name, part, sigma_deg in (("psi", 0, 0.05), ("delta", 1, 0.1)):
        values = np.array([film[part][number] for film in films])[kind] + noise.normal(
            0, sigma_deg, kind.shape
        )
        values[:3, :5] = -1
        lines.append(f"{name} {wave:g}")
        lines += [" ".join(f"{value:.3f}" for value in row) for row in values]
path.write_text("\n".join(lines))

# %%
# The reader. What was not measured becomes NaN; every band says what it is; the checksum goes into each
# result.


def read_somebody(path: Path) -> em.ImageStack:
    """Return the maps of a file of somebody's."""
    content = path.read_bytes()
    head, *rest = content.decode().splitlines()
    facts = dict(one.split("=") for one in head.split(";")[1:])
    step = int(facts["rows"]) + 1
    maps, bands = [], []
    for start in range(0, len(rest), step):
        quantity, wavelength_nm = rest[start].split()
        maps.append(np.loadtxt(rest[start + 1 : start + step], dtype=np.float32))
        bands.append(
            {"quantity": quantity.capitalize(), "wavelength_nm": float(wavelength_nm), "unit": "deg"}
        )
    values = np.stack(maps)
    return em.ImageStack(
        np.where(values == -1, np.nan, values),
        pd.DataFrame(bands).assign(aoi_deg=float(facts["aoi"]), file=path.name),
        name=path.stem,
        source=path,
        pixel_size_um=float(facts["pixel_um"]),
        inputs={path.name: sha256(content).hexdigest()},
    )


# %%
# All else works: segmentation, films, exports with provenance.

stack = read_somebody(path)
segmentation = em.segment(em.preprocess(stack), k=3)
fits = em.fit_shots(segmentation, em.ThinFilm("Si", em.Layer("SiO2", 50.0, {"thickness_nm": (0, 150)})))
print(fits.table()[["cluster", "thickness_nm", "flag"]].to_string(index=False))
written = em.export_segmentation(segmentation, Path(scratch.name) / "results")
print(len(written), "files, such as", written[-1].name)

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
left.imshow(stack.values[1])
left.set_title("Delta at 450 nm, as read")
right.imshow(segmentation.labels)
right.set_title("clusters")

# %%
# Clusters are numbered by their first band. Each is one of the three kinds, whole, and has its thickness.

of_kind = [np.unique(segmentation.labels[kind == number]) for number in range(3)]
found_nm = fits.table()["thickness_nm"].to_numpy()[np.concatenate(of_kind)]
print("thicknesses of the three kinds:", found_nm.round(2))
assert [len(clusters) for clusters in of_kind] == [1, 1, 1]
np.testing.assert_allclose(found_nm, [20.0, 60.0, 110.0], atol=0.1)
