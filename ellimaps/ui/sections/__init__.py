"""The parts of the Maps page, one file each: a guard, widgets, and one call."""
