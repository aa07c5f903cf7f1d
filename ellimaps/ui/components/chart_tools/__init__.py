"""Saving and copying charts in the browser."""

from ellimaps.ui.components.chart_tools.chart_tools import chart_tools

__all__ = ["chart_tools"]
