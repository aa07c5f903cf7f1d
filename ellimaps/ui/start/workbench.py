"""What ``ellimaps app`` gives to Streamlit."""

from ellimaps.ui.app import main

main()
