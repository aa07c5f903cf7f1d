"""The Plates page."""
