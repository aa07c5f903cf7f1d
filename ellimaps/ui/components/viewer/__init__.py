"""The map viewer: linked map panels with hover, zoom and region drawing, as a Streamlit component."""

from ellimaps.ui.components.viewer.viewer import Line, MapPanel, Scene, map_viewer

__all__ = ["Line", "MapPanel", "Scene", "map_viewer"]
