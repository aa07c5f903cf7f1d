"""The script that Streamlit runs; apart, because Streamlit takes a folder pages/ beside it for its own."""
