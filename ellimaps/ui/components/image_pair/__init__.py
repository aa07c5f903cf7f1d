"""Two pictures of several channels side by side, mixed in the browser."""

from ellimaps.ui.components.image_pair.image_pair import PairChannel, PairPicture, image_pair

__all__ = ["PairChannel", "PairPicture", "image_pair"]
