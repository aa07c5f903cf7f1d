"""Serves the workbench: its process and signals, and what stands between Streamlit and the browser."""
