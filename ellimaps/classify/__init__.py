"""Classify images of cells: train on a labelled folder, save, load, predict; each part has its own module."""

import lazy_loader

# The names are listed in __init__.pyi, and nowhere else; each is imported on first use.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
