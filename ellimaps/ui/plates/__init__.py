"""Parts of the Plates page."""
