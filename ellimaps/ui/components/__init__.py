"""Parts drawn in the browser."""
