"""What a page says in its address, each change of it a step that Back undoes.

Streamlit's own binding of a control to the address replaces the browser's last step.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from ellimaps.ui.shared.state import Kept, kept


@dataclass
class Steps:
    """What one user's page has in its address.

    Attributes
    ----------
    told : dict
        What the page put there, or has read there.
    wanted : dict
        What is to stand there; of controls that are hidden now, too.
    """

    told: dict[str, list[str]] = field(default_factory=dict)
    wanted: dict[str, list[str]] = field(default_factory=dict)

    def led(self, name: str) -> list[str] | None:
        """Return what a link or Back has put into the address; None where it is what the page put there."""
        now = st.query_params.get_all(name)
        if now == self.told.get(name, []):
            return None
        self.told[name] = now
        return now

    def say(self, name: str, *texts: str) -> None:
        """Have the address say something from the end of this run on; nothing takes the name away."""
        self.wanted[name] = list(texts)

    def control(self, key: str, first: Any) -> Kept:
        """Return the options of a control whose value stands in the address.

        Parameters
        ----------
        key : str
            Of the control, and its name in the address.
        first : str, float, bool or list of str
            Its value where the address has none.
        """
        if (texts := self.led(key)) is not None:
            st.session_state[key] = _value(texts, first)
        options = kept(key)
        value = st.session_state.get(key, first)
        self.say(key, *(_texts(value) if value != first else []))
        return options

    def forget(self) -> None:
        """Take all controls out of the address: they were of something else."""
        self.wanted = {name: [] for name in self.wanted}

    def write(self) -> None:
        """Have the address say what is wanted: one step for Back, and none if nothing changed."""
        changed = {
            name: texts
            for name, texts in self.wanted.items()
            # What Back has changed of a hidden control waits until that is shown.
            if self.told.get(name, []) == st.query_params.get_all(name) != texts
        }
        if changed:
            st.query_params.update(changed)
            self.told |= changed


def _texts(value: Any) -> list[str]:
    if isinstance(value, bool):
        return [str(value).lower()]
    return list(value) if isinstance(value, list) else [str(value)]


def _value(texts: list[str], first: Any) -> Any:
    """Return what an address says of a control; what it had at first where that cannot be read."""
    if not texts or isinstance(first, list):
        return texts or first
    if isinstance(first, bool):
        return texts == ["true"]
    if isinstance(first, float):
        with suppress(ValueError):
            number = float(texts[0])
            return number if math.isfinite(number) else first
        return first
    return texts[0]
