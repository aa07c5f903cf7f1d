"""The Sensors page."""
