"""Parts of the Sensors page."""
