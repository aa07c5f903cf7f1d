"""Who may work here: OpenID Connect where ``.streamlit/secrets.toml`` has a section ``[auth]`` for it."""

from __future__ import annotations

import os
from collections.abc import Mapping

import streamlit as st
from streamlit.auth_util import validate_auth_credentials
from streamlit.errors import StreamlitAuthError

from ellimaps.core.errors import SettingError
from ellimaps.core.extras import optional

# Kept for the pages: a file that is taken away while the workbench runs opens it to nobody.
_DEMANDED = "ELLIMAPS_SIGN_IN"


def prepare_sign_in() -> bool:
    """Return whether a sign-in is configured; from then on, every page demands it.

    Raises
    ------
    SettingError
        If what is configured is not complete.
    MissingExtraError
        If what it needs is not installed.
    """
    if not _is_configured():
        return False
    optional("authlib.integrations.starlette_client", "sign-in", "Sign-ins")
    try:
        for provider in _providers():
            validate_auth_credentials(provider)
    except StreamlitAuthError as error:
        raise SettingError(f"Nobody could sign in. {' '.join(str(error).split())}") from error
    os.environ[_DEMANDED] = "1"
    return True


def is_welcome() -> bool:
    """Return whether this user may see pages; a user who has to sign in first is asked to."""
    is_demanded = _DEMANDED in os.environ or _is_configured()
    if not is_demanded or getattr(st.user, "is_logged_in", False):
        return True
    st.title("ellimaps")
    st.write("Sign in to open measurements.")
    for provider in _providers():
        label = "Sign in" if provider == "default" else f"Sign in with {provider}"
        if st.button(label, key=f"sign_in_{provider}", type="primary", icon=":material/login:"):
            st.login(provider)
    return False


def is_signed_in() -> bool:
    """Return whether this user has signed in, and so can sign out."""
    return bool(getattr(st.user, "is_logged_in", False))


def _is_configured() -> bool:
    return st.secrets.load_if_toml_exists() and "auth" in st.secrets


def _providers() -> list[str]:
    """Return the names of the configured providers; Streamlit calls one without a name the default."""
    auth = st.secrets["auth"] if _is_configured() else {}
    return [name for name, facts in auth.items() if isinstance(facts, Mapping)] or ["default"]
