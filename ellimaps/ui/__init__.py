"""The workbench in the browser: Streamlit pages that call the pipeline and compute nothing themselves."""
