"""How fast a plate is profiled, how much memory that takes, and how well compounds are told apart.

Run ``python benchmarks/bench_plates.py [--wells N] [--seeds N] [--json FILE]``. Speed: fields of four
channels of 1080 x 1080 pixels of a generated 384-well plate, 9 a well, measured one after another in one
process and thread; by processor time, so that other work on the machine does not count. Memory: the peak of
such a process after one well and after all. Accuracy: the HepG2 plate beside the repository, where it is
there: all fields; each field held back in turn, with all that is learned (scaling, selection, sphering)
learned from the other two; and the published coordinates. Answers: of generated plates of 96 wells, one a
seed, the p-values of active and inert compounds and the rank correlation of dose and change. Curves: how
often the 95 % interval of an EC50 and the 95 % band of a curve hold the truth, of generated series of doses.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tools import SHARED, Figures, in_process, report

FIELD_RATE = """
import sys, time
from ellimaps.core.parallel import one_thread
from ellimaps.plates.measuring.field import measure_field
from ellimaps.plates.measuring.plate import read_plate
plate = read_plate(sys.argv[1] + "/images", sys.argv[1] + "/layout.csv")
fields = list(plate.fields())[: int(sys.argv[2])]
with one_thread():
    measure_field(plate.root, fields[0].files, plate.channels)
    start = time.process_time()
    cells = sum(len(measure_field(plate.root, field.files, plate.channels).cells) for field in fields)
    seconds = time.process_time() - start
figures = {"fields": len(fields), "cells": cells, "fields_per_cpu_s": len(fields) / seconds}
"""


def speed(wells: int) -> dict[str, Any]:
    """Return fields per second of processor time, and peak memory for one well and for all."""
    from ellimaps.samples import sample_plate

    folder = Path(tempfile.gettempdir()) / "ellimaps-benchmarks" / f"plate_{wells}"
    if not (folder / "truth.json").is_file():
        print(f"generating {folder}", file=sys.stderr)
        sample_plate(folder, wells=384, fields=9, size=1080, only_wells=wells)
    one = in_process(FIELD_RATE, folder, 9)
    return {**in_process(FIELD_RATE, folder, 9 * wells), "peak_mb_one_well": one.get("peak_mb")}


def accuracy(folder: Path) -> Figures:
    """Return the figures of the real plate: whole, with fields held back, and those published."""
    from ellimaps.plates.measuring.plate import read_plate
    from ellimaps.plates.measuring.profiles import profile_plate
    from ellimaps.plates.statistics.evaluation import evaluate
    from ellimaps.plates.statistics.normalization import Vectors

    plate = read_plate(folder / "hepg2_merged_fields", folder / "layout.csv")
    profiles = profile_plate(plate)
    found = {"plain measurements": evaluate(profiles).facts()}
    for number in sorted(profiles.fields["field"].unique()):
        found[f"field {number} held back"] = held_back(profiles, number)
    published = pd.read_csv(folder / "hepg2_umap_features.csv").set_index("Name")[["Vector1", "Vector2"]]
    points = published.loc[profiles.fields["files"]].to_numpy()
    means = pd.DataFrame(points).groupby(profiles.fields["well"].to_numpy(), sort=False).mean().to_numpy()
    found["published coordinates"] = evaluate(profiles, Vectors(points, means, ("1", "2"))).facts()
    return found


def held_back(profiles: Any, number: int) -> dict[str, float]:
    """Return how well a field of every well is recognised among the other fields, in other wells.

    Once nothing is learned from the held-back fields, and once everything is learned from all fields: the
    queries and what they are compared with stay the same, so the difference is what holding back costs.
    """
    out = (profiles.fields["field"] == number).to_numpy()
    rest = profiles.fields[~out].reset_index(drop=True)
    kept = recognised(profiles, out, dataclasses.replace(profiles, fields=rest))
    seen = recognised(profiles, out, profiles)
    return kept | {f"{name} if not": value for name, value in seen.items()}


def recognised(profiles: Any, out: np.ndarray, learned: Any) -> dict[str, float]:
    """Compare the fields marked ``out`` with the others in other wells; ``learned`` is what teaches."""
    from scipy.spatial.distance import cdist

    from ellimaps.plates.statistics import normalization as n
    from ellimaps.plates.statistics.evaluation import average_precision

    space = n.fit_space(n.compress(n.scaled(learned)[0]), n.well_numbers(learned))
    # All fields in the place of wells: they are scaled by what is learned from, and nothing else.
    z = n.scaled(dataclasses.replace(learned, wells=profiles.fields))[1]
    points = space.apply(n.compress(z))
    owner = n.well_numbers(profiles)
    wells = pd.DataFrame(points[~out]).groupby(owner[~out]).mean().to_numpy()
    compound = profiles.fields["compound"].to_numpy(object)
    by_well = profiles.wells["compound"].to_numpy(object)
    result = {}
    for what, gallery, owners, classes in (
        ("field", points[~out], owner[~out], compound[~out]),
        ("well", wells, np.arange(len(wells)), by_well),
    ):
        distance = cdist(points[out], gallery)
        distance[owner[out][:, None] == owners] = np.inf
        same = classes[distance.argmin(axis=1)] == compound[out]
        result[f"nearest {what}"] = float(same.mean())
    # One field per well is held back, so that the last distances are between wells, in their order.
    return result | {"map": float(np.nanmean(average_precision(distance, by_well)))}


def answered(seed: int) -> dict[str, Any]:
    """Return what is said of the compounds of a generated plate."""
    from ellimaps.plates.measuring.plate import read_plate
    from ellimaps.plates.measuring.profiles import profile_plate
    from ellimaps.plates.statistics.answers import answers
    from ellimaps.samples import sample_plate

    with tempfile.TemporaryDirectory() as name:
        folder = sample_plate(Path(name) / "plate", seed=seed)
        profiles = profile_plate(read_plate(folder / "images", folder / "layout.csv"))
    found = answers(profiles)
    inert = found.treatments["compound"].str.startswith("Inert")
    highest = found.treatments["concentration"] == found.treatments["concentration"].max()
    summed = found.compounds[~found.compounds["compound"].str.startswith("Inert")]
    return {
        "largest p of active, highest dose": float(found.treatments.loc[highest & ~inert, "p"].max()),
        "smallest map of active, highest dose": float(found.treatments.loc[highest & ~inert, "map"].min()),
        "smallest p of inert, any dose": float(found.treatments.loc[inert, "p"].min()),
        "inert called active": int(found.compounds["active"].sum() - summed["active"].sum()),
        **{f"dose order {row.compound}": float(row.dose_spearman) for row in summed.itertuples()},
    }


def coverage(replicates: int, ec50: float, hill: float, noise: float, n: int = 400) -> dict[str, float]:
    """Return how often 95 % limits hold the truth, where they are given: nominally 0.95.

    Six doses from 0.1 to 30 and controls, a curve from 1 to 9, noise in the same unit.
    """
    from ellimaps.plates.statistics.dose_response import DoseResponse, confidence_band, fit_dose_response

    truth = DoseResponse(ec50, ec50, ec50, hill, bottom=1.0, top=9.0)
    at = np.geomspace(0.1, 30, 9)
    doses = np.array([0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0]).repeat(replicates)
    held, within = [], []
    for seed in range(n):
        values = truth.at(doses) + noise * np.random.default_rng(seed).standard_normal(len(doses))
        fit = fit_dose_response(doses, values, seed)
        if not fit.reason:
            low, high = confidence_band(fit, doses, values, at)
            held.append(fit.ec50_low <= ec50 <= fit.ec50_high)
            within.append((low <= truth.at(at)) & (truth.at(at) <= high))
    return {
        "EC50 given": len(held) / n,
        "interval of EC50": float(np.mean(held)),
        "band, mean over doses": float(np.mean(within)),
        "band, worst dose": float(np.mean(within, axis=0).min()),
    }


def main() -> None:
    """Measure, print, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wells", type=int, default=4, help="wells of the generated plate to measure")
    parser.add_argument("--seeds", type=int, default=4, help="generated plates to answer")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    figures: Figures = {"speed": speed(arguments.wells)}
    if (SHARED / "plates").is_dir():
        figures |= accuracy(SHARED / "plates")
    figures |= {f"generated plate, seed {seed}": answered(seed) for seed in range(arguments.seeds)}
    for case in (
        (4, 2.0, 1.5, 0.05),
        (4, 2.0, 1.5, 0.4),
        (4, 2.0, 1.5, 1.0),
        (2, 2.0, 1.5, 0.8),
        (3, 6.0, 1.0, 0.4),
    ):
        name = "curves, {} wells a dose, EC50 {:g}, hill {:g}, noise {:g}".format(*case)
        figures[name] = coverage(*case)
    report(figures, arguments.json)


if __name__ == "__main__":
    main()
