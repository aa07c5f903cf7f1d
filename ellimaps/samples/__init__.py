"""Generated data sets whose truth is known, for trying things out and for tests."""

from ellimaps.samples.cells import Phantom, phantom, sample_cells
from ellimaps.samples.ep4 import sample_ep4

__all__ = ["Phantom", "phantom", "sample_cells", "sample_ep4"]
