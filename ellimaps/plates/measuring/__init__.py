"""From the pictures of a plate to raw profiles."""
