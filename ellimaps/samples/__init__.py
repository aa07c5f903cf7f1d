"""Generated data sets whose truth is known, for trying things out and for tests."""

from ellimaps.samples.ep4 import sample_ep4

__all__ = ["sample_ep4"]
