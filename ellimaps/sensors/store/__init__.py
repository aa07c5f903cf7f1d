"""Logs of any layout become one store of readings."""
