"""The map viewer: linked map panels with hover, zoom and region drawing, as a Streamlit component."""

from ellimaps.ui.viewer.viewer import MapPanel, Scene, map_viewer

__all__ = ["MapPanel", "Scene", "map_viewer"]
