"""
Label and train
===============

A table says of 40 images of cells which kind each shows; a classifier learns it, says how sure it is, and
answers for 20 images it has not seen. The cells are generated: homogeneous ones are small, round and even,
heterogeneous ones large, with arms and fibers.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import pandas as pd

from ellimaps.classify import image_files, load_model, read_image, read_labels, save_model, train
from ellimaps.samples import sample_populations

scratch = TemporaryDirectory()
images = sample_populations(Path(scratch.name) / "cells", count=60)
truth = pd.read_csv(images.parent / "labels.csv", index_col="image_id")["is_homogenous"]

# %%
# What somebody labelled, as the page Classify writes it: a row per image, here of the first 40.

labels_csv = Path(scratch.name) / "labels.csv"
truth.head(40).to_csv(labels_csv)
training = train(images, read_labels(labels_csv, images), repeats=3)

# %%
# The report tells how well it does on images that were held back, with limits for new ones, and what else
# could be what it has learned.

report = training.report
low, high = report.balanced_limits
print(f"balanced accuracy {report.balanced_accuracy:.2f}; for new images between {low:.2f} and {high:.2f}")
print(report.importance.head(4).to_string(index=False))
for doubt in report.stand_ins:
    print("-", doubt)

# %%
# The model is a file without pickle; it answers for the 20 images that nobody labelled.

save_model(training.model, Path(scratch.name) / "cells.ellimodel")
model = load_model(Path(scratch.name) / "cells.ellimodel")
unseen = image_files(images)[40:]
pictures = [read_image(images / name) for name in unseen]
predictions = [model.predict(*picture) for picture in pictures]

figure, panels = plt.subplots(2, 5, figsize=(9, 4), layout="constrained")
for panel, name, (picture, _), prediction in zip(panels.flat, unseen, pictures, predictions, strict=False):
    panel.imshow(picture, cmap="gray")
    kind = report.class_names[int(prediction.label)]
    panel.set_title(f"{name}: {kind}\nhomogeneous: {prediction.probability:.1%}", fontsize=8)
    panel.set_axis_off()

# %%
# All 20 are right, and the answer says why: the measurements that weighed most.

right = [
    prediction.label == truth[int(Path(name).stem)]
    for name, prediction in zip(unseen, predictions, strict=True)
]
print(f"{sum(right)} of {len(right)} are right")
print(predictions[0].contributions.head(3).to_string(index=False))
assert all(right)
