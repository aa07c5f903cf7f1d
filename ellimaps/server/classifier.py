"""The model in the server: loaded once here to know what it is, and once in each process that classifies."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ellimaps.core.errors import EllimapsError, ReadError, SettingError
from ellimaps.server.workers import Answer, Classify, Workers

logger = logging.getLogger("ellimaps.server")


@dataclass(frozen=True)
class ModelFacts:
    """What a client is told of the model.

    Attributes
    ----------
    label_name : str
        Key of the answer, such as ``is_homogenous``.
    classes : tuple
        Values it may have.
    version : str
        Short hash of the model's content.
    class_names : mapping of str to str
        What the classes are called, by the value as text.
    """

    label_name: str
    classes: tuple[Any, ...]
    version: str
    class_names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Classifier:
    """A model that was read once.

    Attributes
    ----------
    facts : ModelFacts
        What it says of itself.
    content : bytes
        The model file, so that a process started later has the same model.
    """

    facts: ModelFacts
    content: bytes

    def workers(self, processes: int, seconds: float) -> Workers:
        """Return processes that classify with it, each image in at most so many seconds."""
        if processes < 1:
            raise SettingError(f"workers must be 1 or more, not {processes}.")
        return Workers(partial(load_classify, self.content), processes, seconds)


def classifier_of(model: Path) -> Classifier:
    """Read a model file.

    Raises
    ------
    EllimapsError
        If it is missing, damaged or not to be trusted, or cannot classify.
    """
    from ellimaps.classify import load_classifier

    loaded = load_classifier(model)
    tried = classify(loaded, _image_of_a_disc())
    if "refused" in tried or not 0 <= tried["probability"] <= 1:
        reason = tried.get("refused", "It gives no probability.")
        raise ReadError(f"The model {model.name} classifies no image ({reason.rstrip('.')}): train it again.")
    names = {str(one): loaded.name_of(one) for one in loaded.classes}
    facts = ModelFacts(loaded.label_name, tuple(_plain(one) for one in loaded.classes), loaded.version, names)
    return Classifier(facts, model.read_bytes())


def load_classify(content: bytes) -> Classify:
    """Return the function that classifies an encoded image, for a process of its own."""
    from ellimaps.classify import load_classifier

    return partial(classify, load_classifier(io.BytesIO(content), "the served model"))


def classify(model: Any, image: bytes) -> Answer:
    """Return what the model says of an image, or why the image is refused, as JSON can hold it."""
    from ellimaps.classify import read_image

    start = time.perf_counter()
    try:
        values, pixel_size_um = read_image(image, name="image")
        found = model.predict(values, pixel_size_um)
    except EllimapsError as error:
        return {"refused": str(error)}
    except MemoryError:
        return {"refused": "The image needs more memory than there is: send a smaller one."}
    except Exception as error:
        # The traceback's last line may quote pixel values, so only the kind of error is logged.
        logger.error("an image could not be measured: %s", type(error).__name__)
        return {"refused": f"The image could not be measured ({type(error).__name__})."}
    if found.label is None:
        return {"refused": found.warnings[0]}
    return {
        "label": _plain(found.label),
        "probability": float(found.probability),
        "warnings": list(found.warnings),
        "seconds": round(time.perf_counter() - start, 4),
    }


def _image_of_a_disc() -> bytes:
    """Return an image with a cell that no training is needed to find, and every model has an answer for."""
    from PIL import Image, ImageDraw

    image = Image.new("L", (64, 64))
    ImageDraw.Draw(image).ellipse((16, 16, 48, 48), fill=255)
    file = io.BytesIO()
    image.save(file, "png")
    return file.getvalue()


def _plain(value: Any) -> Any:
    """Return a NumPy number as Python's own."""
    return value.item() if hasattr(value, "item") else value
