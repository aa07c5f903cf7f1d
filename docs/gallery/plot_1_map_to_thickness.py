"""
From a map to thickness
=======================

Maps of Delta and Psi at eleven wavelengths become regions, a thickness for each region, and a thickness for
each pixel. The measurement is generated: four oxides on silicon, whose thicknesses are known.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np

import ellimaps as em

scratch = TemporaryDirectory()
folder = em.sample_ep4(Path(scratch.name) / "demo", kinds=4, seed=3)
truth = np.load(folder / "truth.npz")

# %%
# Open the folder, fill the gaps (filled pixels are marked), ask how many kinds of region there are, and
# segment.

stack = em.preprocess(em.open_stack(folder))
suggestion = em.suggest_k(stack)
print(suggestion.suggested_k, "kinds:", suggestion.reason)
segmentation = em.segment(stack, k=suggestion.suggested_k)

# %%
# Fit a film to the spectrum of every cluster. ``model.toml`` says what the sample is made of and what is
# free. A mean over a region holds the pixels of its edge too, in which two films mix: where these are many,
# the fit says that it lacks something, and is not trusted.

model = em.read_model(folder / "model.toml")
clusters = em.fit_shots(segmentation, model)
print(clusters.table()[["cluster", "thickness_nm", "thickness_nm_se", "mse", "flag"]])

# %%
# Then to every pixel. What is not to be trusted is left out.

pixels = em.fit_map(stack, model)
thickness = np.where(pixels.trusted, pixels.parameters[0], np.nan)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
shown = left.imshow(thickness, aspect=stack.pixel_aspect)
figure.colorbar(shown, ax=left, label="oxide (nm)")
left.set_title("fitted to every pixel")
for true_nm in np.unique(truth["thickness_nm"]):
    off_nm = (thickness - true_nm)[(truth["thickness_nm"] == true_nm) & ~truth["edge"]]
    right.hist(off_nm, bins=np.linspace(-0.2, 0.2, 61), histtype="step", label=f"{true_nm:.1f} nm")
right.set(xlabel="fitted - true (nm)", ylabel="pixels", title="away from edges")
right.legend()

# %%
# Away from edges every pixel is right within noise: half of them to better than 0.05 nm, all to better than
# 0.5 nm.

inside = ~truth["edge"] & np.isfinite(thickness)
error_nm = np.abs(thickness - truth["thickness_nm"])[inside]
median_nm, worst_nm = np.median(error_nm), error_nm.max()
print(f"{inside.mean():.0%} of the pixels: {median_nm:.3f} nm off (median), {worst_nm:.2f} nm at most")
assert suggestion.suggested_k == 4
assert median_nm < 0.05
assert worst_nm < 0.5
