"""A picture that keys answer, once it is painted, as a Streamlit component."""

from ellimaps.ui.components.keyed_picture.keyed_picture import KeyPress, keyed_picture

__all__ = ["KeyPress", "keyed_picture"]
