"""Profiles that come from other software, go to it, and are put together."""
