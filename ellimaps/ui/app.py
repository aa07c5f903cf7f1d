"""The workbench's frame: window title and navigation."""

from __future__ import annotations

import streamlit as st


def main() -> None:
    """Show the chosen page."""
    from ellimaps.ui.pages import maps

    st.set_page_config(page_title="ellimaps", page_icon=":material/layers:", layout="wide")
    st.html("<style>.stMainBlockContainer { padding-top: 2.5rem; padding-bottom: 2rem; }</style>")
    st.navigation(
        [st.Page(maps.render, title="Maps", icon=":material/layers:", url_path="maps", default=True)]
    ).run()


if __name__ == "__main__":
    main()
