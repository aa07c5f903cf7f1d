"""The file of a classifier: a zip of JSON (what it is) and skops parts (the fitted classifier). No pickle.

Nothing is loaded before every type named in the file has been found on a list, and every size is bounded
before anything is unpacked.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from ellimaps.classify.calibrated_classifier import CalibratedClassifier, LinearLogOdds
from ellimaps.classify.drift import TrainingSpread
from ellimaps.classify.model_facts import check_answers, check_measurements
from ellimaps.classify.population_model import PopulationModel
from ellimaps.core.archives import members
from ellimaps.core.errors import ReadError
from ellimaps.core.files import json_bytes, write_files
from ellimaps.core.inputs import Source, as_input
from ellimaps.core.sums import check_seal, sealed

SUFFIX = ".ellimodel"
MAX_BYTES = 64 << 20
"""The largest file that is read; those of ours have about 20 kB and 90 bytes an image."""

_FORMAT = "ellimaps cell classifier 1"
_FACTS = "model.json"
_PARTS = "model.skops"
# The oldest dates a zip can hold begin in 1980; a fixed one gives the same bytes at any time.
_DATE = (2000, 1, 1, 0, 0, 0)
# Models of earlier versions call the center so.
_LINE = {"centre": "center", "scale": "scale", "slopes": "slopes", "intercepts": "intercepts"}
_SPREAD = ("centers", "scales", "strangeness", "nearest")
# The largest measurements are lengths, of at most 40 million pixels.
_NO_MEASUREMENT = 1e12
# What skops names in our own files, and nothing else.
_ALLOWED = frozenset(
    {
        "builtins.dict",
        "builtins.float",
        "builtins.int",
        "builtins.list",
        "builtins.str",
        "builtins.type",
        "numpy.dtype",
        "numpy.float64",
        "numpy.int32",
        "numpy.int64",
        "numpy.ndarray",
        "sklearn.linear_model._logistic.LogisticRegression",
    }
)


def save_model(model: PopulationModel, path: str | Path) -> PopulationModel:
    """Write a classifier to a file, whole or not at all; the same classifier gives the same bytes.

    Returns
    -------
    PopulationModel
        The classifier with its version.

    Raises
    ------
    ExportError
        If the file cannot be written.
    """
    target = Path(path)
    content = model_bytes(model)
    write_files(target.parent, {target.name: content})
    return replace(model, version=version_of(content))


def load_model(source: Source) -> PopulationModel:
    """Read a classifier.

    Raises
    ------
    ReadError
        If it is no such file, changed or damaged, too large, or names types that a classifier does not need.
    """
    file = as_input(source)
    with file.open() as stream:
        content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ReadError(f"{file.name} is no model of cells: it is larger than {MAX_BYTES >> 20} MB.")
    check_seal(io.BytesIO(content), f"The model {file.name}", "copy it again or train anew")
    try:
        facts, parts = _unpacked(content)
        if facts.get("format") != _FORMAT:
            raise ReadError(f"{file.name} is no model of cells of this version of ellimaps: train it again.")
        _check_types(file.name, parts)
        return replace(_model(facts, parts), version=version_of(content))
    except ReadError:
        raise
    # skops, zipfile and scikit-learn raise whatever their parsing stumbles over.
    except Exception as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise ReadError(
            f"The model {file.name} is damaged ({type(error).__name__}: {reason:.120}): "
            "copy it again or train anew."
        ) from error


def model_bytes(model: PopulationModel) -> bytes:
    """Return the file of a classifier."""
    import skops.io

    line = {name: getattr(model.classifier.line, attribute) for name, attribute in _LINE.items()}
    parts = {**line, "calibration": model.classifier.calibration}
    facts = {
        "format": _FORMAT,
        "label_name": model.label_name,
        "classes": model.classes,
        "class_names": dict(model.class_names),
        "measurements": model.measurements,
        "unit": model.unit,
        "pixel_size_um": model.pixel_size_um,
        "weights": model.classifier.weights.tolist(),
        "typical": model.typical.tolist(),
        "low": model.low.tolist(),
        "high": model.high.tolist(),
        "provenance": model.provenance,
    }
    if model.spread is not None:
        facts["spread"] = {name: getattr(model.spread, name).tolist() for name in _SPREAD}
    return sealed(_zipped({_FACTS: json_bytes(facts), _PARTS: _canonical(skops.io.dumps(parts))}))


def version_of(content: bytes) -> str:
    """Return the version of the classifier in a file."""
    return hashlib.sha256(content).hexdigest()[:12]


def _canonical(parts: bytes) -> bytes:
    """Return skops parts numbered in order; skops names them by where they lay in memory."""
    with zipfile.ZipFile(io.BytesIO(parts)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    schema = files.pop("schema.json").decode()
    numbers: dict[str, str] = {}
    for found in re.finditer(r'"__id__": ([0-9]+)|"([0-9]+)\.npy"', schema):
        numbers.setdefault(found[1] or found[2], str(len(numbers) + 1))
    schema = re.sub(r'("__id__": )([0-9]+)', lambda m: m[1] + numbers[m[2]], schema)
    schema = re.sub(r'"([0-9]+)(\.npy")', lambda m: '"' + numbers[m[1]] + m[2], schema)
    renamed = {f"{numbers[Path(name).stem]}.npy": content for name, content in files.items()}
    return _zipped({**dict(sorted(renamed.items())), "schema.json": schema.encode()})


def _zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _DATE), content)
    return buffer.getvalue()


def _bounded(content: bytes) -> dict[str, bytes]:
    return dict(members(io.BytesIO(content), MAX_BYTES))


def _unpacked(content: bytes) -> tuple[dict[str, Any], bytes]:
    files = _bounded(content)
    return json.loads(files[_FACTS]), files[_PARTS]


def _check_types(name: str, parts: bytes) -> None:
    """Refuse a file that names a type, function or module that is not on the list."""
    schema = json.loads(_bounded(parts)["schema.json"])
    strange = sorted(_types(schema) - _ALLOWED)
    if strange:
        raise ReadError(
            f"The model {name} is not trusted (it names {', '.join(strange)[:120]}): "
            "use one you trained yourself."
        )


def _types(node: Any) -> set[str]:
    found: set[str] = set()
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if "__class__" in one or "__module__" in one:
                found.add(f"{one.get('__module__')}.{one.get('__class__')}")
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return found


def _model(facts: dict[str, Any], parts: bytes) -> PopulationModel:
    check_answers(facts)
    check_measurements(facts["measurements"])
    ranges = {name: np.array(facts[name], dtype=float) for name in ("typical", "low", "high")}
    classifier = _classifier(facts, parts)
    _try_out(classifier, ranges, len(facts["measurements"]), len(facts["classes"]))
    return PopulationModel(
        label_name=facts["label_name"],
        classes=facts["classes"],
        measurements=facts["measurements"],
        classifier=classifier,
        typical=ranges["typical"],
        low=ranges["low"],
        high=ranges["high"],
        unit=facts["unit"],
        pixel_size_um=facts["pixel_size_um"],
        provenance=facts["provenance"],
        # Models of earlier versions have none.
        class_names=facts.get("class_names", {}),
        spread=_spread(facts),
    )


def _spread(facts: dict[str, Any]) -> TrainingSpread | None:
    if "spread" not in facts:
        return None
    centers, scales, strangeness, nearest = (np.array(facts["spread"][name], dtype=float) for name in _SPREAD)
    n_classes, n = len(facts["classes"]), len(facts["measurements"])
    fits = centers.shape == scales.shape == (n_classes, n) and strangeness.shape == nearest.shape
    finite = all(np.isfinite(one).all() for one in (centers, scales, strangeness))
    known = strangeness.ndim == 1 and np.isin(nearest, np.arange(n_classes)).all()
    if not (fits and finite and known and (scales > 0).all()):
        raise ValueError("it does not say what its training images were like")
    return TrainingSpread(centers, scales, strangeness, nearest.astype(np.intp))


def _classifier(facts: dict[str, Any], parts: bytes) -> CalibratedClassifier:
    import skops.io
    from sklearn.exceptions import InconsistentVersionWarning  # type: ignore[import-untyped]

    with warnings.catch_warnings():
        # Another version matters where it answers otherwise, and that is tried out.
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        loaded = skops.io.loads(parts, trusted=[])
    line = LinearLogOdds(*(np.asarray(loaded[name], dtype=float) for name in _LINE))
    return CalibratedClassifier(line, loaded["calibration"], np.array(facts["weights"], dtype=float))


def _try_out(
    classifier: CalibratedClassifier, ranges: dict[str, NDArray[np.float64]], n: int, n_classes: int
) -> None:
    """Let a classifier answer for the range of the training images, and compare with what its numbers say.

    Raises
    ------
    ValueError
        If its parts do not fit together, or scikit-learn makes something else of them than at its training.
    """
    line, calibration = classifier.line, classifier.calibration
    given = (*ranges.values(), line.center, line.scale)
    fits = all(array.shape == (n,) for array in given) and classifier.weights.shape == (n_classes,)
    if not fits or line.slopes.shape not in ((1, n), (n_classes, n)):
        raise ValueError("its parts do not fit together")
    rows = np.stack(list(ranges.values()))
    with np.errstate(all="ignore"):
        log_odds, slopes = line.log_odds(rows), line.slopes / line.scale
        if (
            not (np.abs(rows) < _NO_MEASUREMENT).all()
            or not np.isfinite(log_odds).all()
            or not np.isfinite(slopes).all()
        ):
            raise ValueError("its ranges are not those of images")
        steps = log_odds @ np.asarray(calibration.coef_).T + calibration.intercept_
        found = classifier.probabilities(rows) * classifier.weights
    # Of two classes the second one's alone is kept.
    expected = softmax(np.hstack([0 * steps, steps]) if steps.shape[1] == 1 else steps, axis=1)
    if found.shape != expected.shape or found.shape[1] != n_classes or not np.isfinite(found).all():
        raise ValueError("its parts do not fit together")
    if not np.allclose(found, expected * classifier.weights, rtol=0, atol=1e-9):
        raise ValueError("this version of scikit-learn answers otherwise than its numbers say")
