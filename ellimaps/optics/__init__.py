"""Thin-film optics: what a stack of layers does to polarised light."""
