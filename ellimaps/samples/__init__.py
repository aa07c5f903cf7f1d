"""Generated data sets whose truth is known, for trying things out and for tests."""

from ellimaps.samples.cells import Phantom, phantom, sample_cells
from ellimaps.samples.ep4 import sample_ep4
from ellimaps.samples.plate import sample_plate
from ellimaps.samples.populations import sample_populations
from ellimaps.samples.sensors import SensorSample, sample_sensors, sensor_log

__all__ = [
    "Phantom",
    "SensorSample",
    "phantom",
    "sample_cells",
    "sample_ep4",
    "sample_plate",
    "sample_populations",
    "sample_sensors",
    "sensor_log",
]
