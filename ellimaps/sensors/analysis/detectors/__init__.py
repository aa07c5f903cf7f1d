"""Detectors of anomalies: each finds one kind of evidence in a decomposed log."""
