"""Two more buttons in the toolbar of every chart: save as SVG, and copy as a picture."""

from __future__ import annotations

from ellimaps.ui.components.browser import component


def chart_tools() -> None:
    """Add the buttons to the charts of the page, now and whenever charts come; to be called once a page.

    Streamlit's own toolbar saves a chart as PNG. All of it happens in the browser and no request is made.
    """
    component("chart_tools", "chart_tools/chart_tools.js")(key="chart_tools")
