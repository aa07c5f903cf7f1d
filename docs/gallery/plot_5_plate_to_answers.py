"""
From a plate to answers
=======================

Images of a screening plate become profiles of wells, and these answers: which compounds change cells, how,
and from which dose on. The plate is generated: four compounds change one thing each, at half their strength
at 15 µM, and two do nothing.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt

import ellimaps as em

scratch = TemporaryDirectory()
folder = em.sample_plate(Path(scratch.name) / "plate", wells=96, fields=1, size=128, seed=1)

# %%
# 96 fields with four channels each; the layout says what is in every well.

plate = em.read_plate(folder / "images", folder / "layout.csv")
profiles = em.profile_plate(plate)
print(f"{len(profiles.fields)} fields, {len(profiles.wells)} wells, {len(profiles.features)} features")

# %%
# Every compound against the controls. ``q`` is the share of false calls among those called so far.

answers = em.answers(profiles)
print(answers.compounds[["compound", "q", "active", "lowest_active", "dose_spearman"]].to_string(index=False))

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
for compound, doses in answers.treatments.groupby("compound"):
    left.plot(doses["concentration"], doses["distance"], "o-", markersize=3, label=compound)
left.axhline(1, color="gray", linewidth=0.8)
left.set(xscale="log", xlabel="dose (µM)", ylabel="distance from controls", title="1 = as a control well")
left.legend(fontsize=7)
points = em.embed(profiles, level="well")
for number, (compound, wells) in enumerate(points[points["control"] == ""].groupby("compound")):
    right.scatter(wells["x"], wells["y"], s=14, color=f"C{number}", label=compound)
controls = points[points["control"] != ""]
right.scatter(controls["x"], controls["y"], s=14, color="lightgray", label="controls")
right.set(xlabel="component 1", ylabel="component 2", title="wells")

# %%
# How the strongest dose of each active compound changes the cells, in words.

active = answers.compounds[answers.compounds["active"]]
strongest = answers.treatments.query("concentration == 100 and compound in @active.compound")
for compound, changes in strongest.set_index("compound")["changes"].items():
    print(f"{compound}: {changes}")

# %%
# The four are found, none of the others is; their change grows with the dose, and is seen below the dose of
# half effect.

assert set(active["compound"]) == {"Thinner", "Sweller", "Brightener", "Grainer"}
assert (active["dose_spearman"] > 0.85).all()
assert (active["lowest_active"] < 15).all()
