"""What a log was taken for: every choice of its import, why, and how to say otherwise."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ellimaps.sensors.store.options import flag

TOPICS = ("time", "zone", "sensors", "values", "units", "step", "merged", "skipped", "refused")


@dataclass(frozen=True)
class ImportItem:
    """One choice.

    Attributes
    ----------
    topic : str
        One of :data:`TOPICS`.
    taken : str
        What was taken, or done.
    why : str
        What it was decided by; empty where the log states it.
    option : str
        The field of `ImportOptions` that says otherwise; empty where none does.
    count : int
        How many lines, readings, columns or files; 0 where nothing is counted.
    line : int
        The first line it happened in; 0 where there is none.
    """

    topic: str
    taken: str
    why: str = ""
    option: str = ""
    count: int = 0
    line: int = 0

    @property
    def sentence(self) -> str:
        """The choice in one sentence."""
        line = f", first in line {self.line}" if self.line else ""
        because = f" ({self.why}{line})" if self.why or line else ""
        otherwise = f"; otherwise say {flag(self.option)}" if self.option else ""
        return f"{self.topic}: {self.taken}{because.replace('(, ', '(')}{otherwise}"


@dataclass(frozen=True)
class ImportReport:
    """Everything a log was taken for.

    Attributes
    ----------
    log : str
        Its path or URL.
    items : tuple of ImportItem
        The choices.
    options : dict
        What the user said; see `ImportOptions.facts`.
    """

    log: str
    items: tuple[ImportItem, ...]
    options: dict[str, Any]

    @property
    def sentence(self) -> str:
        """One line to stand above a verdict."""
        said = {topic: [item.taken for item in self.items if item.topic == topic] for topic in TOPICS}
        parts = [", ".join(said[topic]) for topic in ("time", "zone", "sensors", "values", "units", "step")]
        parts += [
            f"{topic} {', '.join(said[topic])}" for topic in ("merged", "skipped", "refused") if said[topic]
        ]
        return f"Taken as: {'; '.join(part for part in parts if part)}."

    def lines(self) -> list[str]:
        """Return a line per choice, with its reason and the option that says otherwise."""
        return [item.sentence for item in self.items]

    def facts(self) -> dict[str, Any]:
        """Return the report as plain values, ready for JSON."""
        return {
            "log": self.log,
            "sentence": self.sentence,
            "items": [asdict(item) for item in self.items],
            "options": self.options,
        }

    @classmethod
    def of_facts(cls, facts: dict[str, Any]) -> ImportReport:
        """Return the report that gave some facts."""
        return cls(facts["log"], tuple(ImportItem(**item) for item in facts["items"]), facts["options"])
