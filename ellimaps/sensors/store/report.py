"""What a log was taken for: every choice of its import, why, and how to say otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ellimaps.sensors.store.options import flag

TOPICS = ("time", "zone", "sensors", "values", "units", "step", "merged", "skipped", "refused")
# Of lines that are counted; more make the report longer and say no more of what is wrong with them.
MOST_NAMED = 5


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
    lines : tuple of int
        The first few lines it happened in; none where there are no lines.
    """

    topic: str
    taken: str
    why: str = ""
    option: str = ""
    count: int = 0
    lines: tuple[int, ...] = ()

    @property
    def reason(self) -> str:
        """What it was decided by, and where."""
        return ", ".join(filter(None, (self.why, lines_text(self.lines))))

    @property
    def sentence(self) -> str:
        """The choice in one sentence."""
        because = f" ({self.reason})" if self.reason else ""
        otherwise = f"; otherwise say {flag(self.option)}" if self.option else ""
        return f"{self.topic}: {self.taken}{because}{otherwise}"


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
        items = (ImportItem(**item | {"lines": tuple(item["lines"])}) for item in facts["items"])
        return cls(facts["log"], tuple(items), facts["options"])


def lines_text(lines: Sequence[int]) -> str:
    """Return ``line 3``, ``lines 3, 17``, or of more than are named ``lines 3, 17, 18, 19, 20, ...``."""
    if not lines:
        return ""
    named = ", ".join(map(str, lines[:MOST_NAMED]))
    return f"line{'s' if len(lines) > 1 else ''} {named}{', ...' if len(lines) > MOST_NAMED else ''}"
