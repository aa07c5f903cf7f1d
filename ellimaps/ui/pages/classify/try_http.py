"""How programs ask a model over HTTP: the server to start, and commands to copy."""

from __future__ import annotations

from shlex import quote

import streamlit as st

from ellimaps.ui.pages.classify.model_choice import JUST_TRAINED, ChosenModel
from ellimaps.ui.shared.markdown import escaped

ADDRESS = "http://127.0.0.1:4321"
"""Where `ellimaps serve` listens if nothing else is said."""


def http_view(chosen: ChosenModel) -> None:
    """Show the commands for a model."""
    saved = chosen.name != JUST_TRAINED
    model = chosen.name if saved else "MODEL.ellimodel"
    if not saved:
        st.info("Save the model under **Train** first, and name its file below.", icon=":material/save:")
    st.markdown("**1. Start the server**, in the data root")
    st.code(f"ellimaps serve --model {quote(model)} --port 4321", language="bash")
    st.markdown(f"**2. Ask it** at `{ADDRESS}`")
    st.code(curl_command("cell.tif"), language="bash")
    st.caption(
        f"The answer is the class under its name, {escaped(chosen.model.label_name)}; `/v1/predict` adds the "
        f"probability and warnings. `{ADDRESS}/docs` in a browser has a form to try an image."
    )


def curl_command(image: str) -> str:
    """Return the command that asks the server about an image file."""
    return (
        f"""printf '{{"cell":"%s"}}' "$(base64 < {quote(image)} | tr -d '\\n')" |\n"""
        f"""  curl -sS -H "Content-Type: application/json" -d @- {ADDRESS}/predict"""
    )
