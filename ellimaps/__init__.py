"""ellimaps: a workbench for image stacks, screening plates and sensor logs.

From a folder of maps to clusters, spectra and files:

>>> import ellimaps
>>> stack = ellimaps.preprocess(ellimaps.open_stack(path))
>>> estimate = ellimaps.estimate_k(stack)
>>> segmentation = ellimaps.segment(stack, k=estimate.suggested_k)
>>> ellimaps.export_segmentation(segmentation, out)
"""

import lazy_loader

from ellimaps.core import errors as errors

# The names are listed in __init__.pyi, and nowhere else. Each is imported on first use, so that the command
# line answers --help without loading NumPy.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
