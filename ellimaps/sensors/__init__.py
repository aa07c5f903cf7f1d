"""Logs of environment sensors: reading, stability, and what was measured meanwhile."""
