"""Two pictures of several channels side by side, mixed in the browser."""

from ellimaps.ui.components.image_pair.image_pair import Channel, Picture, image_pair

__all__ = ["Channel", "Picture", "image_pair"]
