"""What a training left, as it is written down: the model's own file, and what the page shows of it."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import fields
from typing import Any

import pandas as pd

from ellimaps.classify import TrainingReport, load_model
from ellimaps.core.archives import members
from ellimaps.ui.pages.classify.models import Trained

_MODEL, _PAGE, _FACTS, _PICTURES = "model.ellimodel", "report.html", "report.json", "pictures/"
# A model is some 50 kB; its report has at most 24 pictures, and a line for each image.
_MOST_BYTES = 64 << 20


def written(trained: Trained) -> bytes:
    """Return a training as a zip."""
    report = trained.report
    facts = {one.name: getattr(report, one.name) for one in fields(report) if one.name != "pictures"}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(_MODEL, trained.content)
        archive.writestr(_PAGE, trained.html)
        archive.writestr(_FACTS, json.dumps({"folder": trained.folder, "report": facts}, default=_plain))
        for name, picture in report.pictures.items():
            archive.writestr(_PICTURES + name, picture)
    return content.getvalue()


def read_back(content: bytes) -> Trained:
    """Return a training as it was written down.

    Raises
    ------
    EllimapsError, KeyError, TypeError, ValueError
        If it is damaged or of another version.
    """
    files = dict(members(io.BytesIO(content), _MOST_BYTES))
    facts = json.loads(files[_FACTS])
    told: dict[str, Any] = {
        name: pd.DataFrame(**value) if _is_table(value) else value for name, value in facts["report"].items()
    }
    report = TrainingReport(
        **told,
        pictures={
            name.removeprefix(_PICTURES): picture
            for name, picture in files.items()
            if name.startswith(_PICTURES)
        },
    )
    model = files[_MODEL]
    return Trained(load_model(io.BytesIO(model)), report, facts["folder"], model, files[_PAGE])


def _plain(value: Any) -> Any:
    return value.to_dict("split") if isinstance(value, pd.DataFrame) else value.item()


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"index", "columns", "data"}
