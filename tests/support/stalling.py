"""Work for tests of the server's processes; in a module that they can import."""

from __future__ import annotations

import os
import time


def load():
    """Return work that does what the image says."""
    return work


def work(image):
    if image == b"hang":
        time.sleep(60)
    if image == b"slow":
        time.sleep(0.5)
    if image == b"die":
        os._exit(9)
    return {"process": os.getpid(), "bytes": len(image)}


def load_classifier():
    """Return work that answers about any image, as the server's does, but hangs where it says so."""
    return classify


def classify(image):
    if image == b"hang":
        time.sleep(60)
    return {"label": 1, "probability": 0.9, "warnings": [], "seconds": 0.0}


def load_nothing():
    """Fail, as where a model cannot be loaded."""
    os._exit(1)
