"""Parts drawn in the browser: each a folder of ES modules with the Python that calls them."""
