"""The map viewer: linked map panels with hover, zoom and region drawing, as a Streamlit component."""

from ellimaps.ui.components.viewer.viewer import MapLine, MapPanel, MapScene, map_viewer

__all__ = ["MapLine", "MapPanel", "MapScene", "map_viewer"]
