"""What decides, in words."""

from __future__ import annotations

import numpy as np

from ellimaps.classify.measurement_names import measurement_name
from ellimaps.classify.population_model import PopulationModel
from ellimaps.classify.training import TrainingReport


def deciding_words(model: PopulationModel, report: TrainingReport) -> str:
    """Return a sentence: what decides most, and for which class a larger value speaks."""
    # More are no sentence any more.
    top = report.importance.head(3)
    total = float(report.importance["importance"].sum())
    if not total:
        return "No measurement decides: the classes look alike."
    parts = [
        f"{measurement_name(name)} (more speaks for {_spoken_for(model, name)})"
        for name in top["measurement"]
    ]
    share = float(top["importance"].sum()) / total
    return f"What decides most: {'; '.join(parts)}. Together they have {share:.0%} of all contributions."


def _spoken_for(model: PopulationModel, name: str) -> str:
    """Return the class that leads more when a measurement is larger."""
    larger = model.typical + (np.array(model.measurements) == name)
    number = model.measurements.index(name)
    pulls = [model.classifier.pulls(larger, model.typical, c)[number] for c in range(len(model.classes))]
    return model.name_of(model.classes[int(np.argmax(pulls))])
