"""What a model says of itself, checked before anything is classified with it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ellimaps.classify.image_features import MEASUREMENTS
from ellimaps.classify.training_labels import RESERVED


def check_answers(facts: Mapping[str, Any]) -> None:
    """Check what any kind of model says of its answers and of its training images.

    Parameters
    ----------
    facts : mapping
        ``label_name``, ``classes``, ``unit``, ``pixel_size_um`` and ``provenance``, as JSON has them.

    Raises
    ------
    ValueError
        With what is wrong.
    """
    name, classes = facts["label_name"], facts["classes"]
    if not isinstance(name, str) or not name or name in RESERVED:
        raise ValueError("its label has no name that can be used")
    kinds = {type(one) for one in classes} if isinstance(classes, list) else set()
    if kinds not in ({int}, {str}) or not 1 < len(classes) == len(set(classes)):
        raise ValueError("its classes are not two or more different whole numbers or texts")
    # Half of a surrogate pair is text to JSON, and in no answer could it be sent.
    "".join(map(str, (name, *classes))).encode()
    names = facts.get("class_names", {})
    if not isinstance(names, dict) or not all(isinstance(one, str) for one in names.values()):
        raise ValueError("its classes have no names that can be shown")
    "".join(names.values()).encode()
    size = facts["pixel_size_um"]
    known = type(size) in (int, float) and 0 < size < math.inf
    if facts["unit"] not in ("px", "um") or not (known or (size is None and facts["unit"] == "px")):
        raise ValueError("its lengths have no unit")
    if not isinstance(facts["provenance"], dict):
        raise ValueError("it does not say where it is from")


def check_measurements(names: Sequence[str]) -> None:
    """Check what a model looks at.

    Parameters
    ----------
    names : list of str
        As JSON has them.

    Raises
    ------
    ValueError
        If it is not what `ellimaps.classify.measure_image` measures, each once.
    """
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("its measurements are no names")
    strange = [name for name in names if name not in MEASUREMENTS]
    if strange:
        raise ValueError(f"it looks at {', '.join(strange)[:60]!r}, which is not measured")
    if not names or len(set(names)) < len(names):
        raise ValueError("its measurements are not there, or some are twice")
