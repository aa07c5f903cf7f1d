"""The workbench: ``streamlit run streamlit_app.py``, or ``ellimaps app``."""

from ellimaps.ui.app import main

main()
