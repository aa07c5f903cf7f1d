"""Damaged inputs by the hundred thousand: ``make fuzz N=100000 SEED=1``.

A seed and a number make the same input at any time: ``python -m hostile.fuzz --seed 1 --only 4711`` opens one
of them again. What an input may not do is told at the end, and kept in ``results/fuzz/``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from random import Random

from hostile.attacks import ATTACKS
from hostile.corpus import Format, formats
from hostile.judging import Verdict, judged, judged_together, prepare, write
from hostile.mutating import mutated

KEPT = Path(__file__).resolve().parents[2] / "results" / "fuzz"
_MOST_KEPT = 5
"""Inputs that are kept of one finding; the others end in the same place."""
_TOGETHER = 10
"""Inputs that share a process as long as nothing happens: starting one for each took half of the time."""
_AT_ONCE = 100
"""Inputs of one kind between two looks at the tally: some seconds."""


@dataclass
class Tally:
    """What came of the inputs of one kind."""

    counts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    slowest: float = 0.0
    peak_bytes: int = 0

    def add(self, verdict: Verdict) -> None:
        """Count one more."""
        self.counts["finding" if verdict.is_finding else verdict.what] += 1
        self.seconds += verdict.seconds
        self.slowest = max(self.slowest, verdict.seconds)
        self.peak_bytes = max(self.peak_bytes, verdict.peak_bytes)


def kind_of(seed: int, number: int) -> str:
    """Return what kind an input of a run is."""
    kinds = formats()
    return Random(f"{seed}/{number}/kind").choices(list(kinds), [kind.weight for kind in kinds.values()])[0]


def input_of(seed: int, number: int, kind: Format) -> dict[str | bytes, bytes]:
    """Return an input of a run."""
    random = Random(f"{seed}/{number}")
    return mutated(random, random.choice(kind.variants), kind.variants)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Open damaged inputs and see that nothing else happens.")
    parser.add_argument("--n", type=int, default=10_000, help="how many inputs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--kind", action="append", help="only inputs of this kind")
    parser.add_argument("--only", type=int, help="only the input of this number, which is told about")
    parser.add_argument("--attacks", action="store_true", help="open those of hostile.attacks; JSON lines")
    said = parser.parse_args()
    if said.attacks:
        return _attacks()
    if said.only is not None:
        return _one(said.seed, said.only)
    chosen = [number for number in range(said.n) if not said.kind or kind_of(said.seed, number) in said.kind]
    return _all(said.seed, chosen, said.processes)


def _attacks() -> int:
    kinds = formats()
    prepare({name: kinds[name] for name in {attack.kind for attack in ATTACKS.values()}})
    for name, attack in ATTACKS.items():
        verdict = judged(kinds[attack.kind], attack.made())
        print(json.dumps([name, verdict.what, verdict.detail]), flush=True)
    return 0


def _one(seed: int, number: int) -> int:
    name = kind_of(seed, number)
    prepare({name: formats()[name]})
    verdict = judged(formats()[name], input_of(seed, number, formats()[name]))
    told = f"{name}: {verdict.what} in {verdict.seconds:.2f} s, {verdict.peak_bytes / 1e6:.0f} MB"
    print(f"{told}\n{verdict.detail}")
    return int(verdict.is_finding)


def _all(seed: int, numbers: Sequence[int], processes: int) -> int:
    start = time.monotonic()
    tallies: dict[str, Tally] = defaultdict(Tally)
    findings: dict[str, list[int]] = defaultdict(list)
    with suppress(KeyboardInterrupt):
        for name, verdicts in _verdicts(seed, numbers, processes):
            for number, verdict in verdicts:
                tallies[name].add(verdict)
                if verdict.is_finding:
                    key = f"{name}: {verdict.what}: {_place(verdict)}"
                    findings[key].append(number)
                    _tell_and_keep(seed, key, findings[key], verdict)
    total = sum(tally.counts.total() for tally in tallies.values())
    _tell(f"{total} inputs of seed {seed} in {time.monotonic() - start:.0f} s", tallies, findings)
    return int(bool(findings))


def _tell_and_keep(seed: int, key: str, numbers: Sequence[int], verdict: Verdict) -> None:
    if len(numbers) == 1:
        print(f"input {numbers[0]}: {key}", flush=True)
    if len(numbers) <= _MOST_KEPT:
        _keep(seed, numbers[-1], key, verdict)


Task = tuple[int, str, list[int]]


def _verdicts(
    seed: int, numbers: Sequence[int], processes: int
) -> Iterator[tuple[str, list[tuple[int, Verdict]]]]:
    """Judge inputs kind by kind, in processes that have imported what the kinds so far take and no more."""
    by_kind: dict[str, list[int]] = defaultdict(list)
    for number in numbers:
        by_kind[kind_of(seed, number)].append(number)
    tasks: list[Task] = [
        (seed, name, those[first : first + _AT_ONCE])
        for name, those in by_kind.items()
        for first in range(0, len(those), _AT_ONCE)
    ]
    # Who stops early has seen something of every kind.
    tasks.sort(key=lambda task: task[2][0])
    with get_context("fork").Pool(processes) as pool:
        yield from pool.imap_unordered(_judge_those, tasks)


@cache
def _ready(name: str) -> Format:
    """Return a kind of which this process has opened the good inputs."""
    prepare({name: formats()[name]})
    return formats()[name]


def _judge_those(task: Task) -> tuple[str, list[tuple[int, Verdict]]]:
    seed, name, numbers = task
    kind = _ready(name)
    verdicts = []
    for first in range(0, len(numbers), _TOGETHER):
        those = numbers[first : first + _TOGETHER]
        verdicts += judged_together(kind, [input_of(seed, number, kind) for number in those])
    return name, list(zip(numbers, verdicts, strict=True))


def _place(verdict: Verdict) -> str:
    """Return where a finding is: of a traceback the last line of ours and what was raised."""
    lines = [line.strip() for line in verdict.detail.splitlines() if line.strip()]
    ours = [line for line in lines if line.startswith("File") and "/ellimaps/" in line]
    place = ours[-1].partition("/ellimaps/")[2].split(", in")[0] if ours else ""
    return f"{place} {lines[-1][:90] if lines else ''}".strip()


def _keep(seed: int, number: int, key: str, verdict: Verdict) -> None:
    place = KEPT / f"{hashlib.sha256(key.encode()).hexdigest()[:8]}-{seed}-{number}"
    write(place / "input", input_of(seed, number, formats()[kind_of(seed, number)]))
    told = f"{key}\nseed {seed}, number {number}\n\n{verdict.detail}\n"
    (place / "finding.txt").write_text(told, encoding="utf-8", errors="backslashreplace")


def _tell(what: str, tallies: Mapping[str, Tally], findings: Mapping[str, list[int]]) -> None:
    titles = ("opened", "refused", "findings", "mean ms", "slowest s", "peak MB")
    print(f"\n{'kind':20}" + "".join(f"{title:>10}" for title in titles))
    for name, tally in sorted(tallies.items()):
        total = sum(tally.counts.values())
        print(
            f"{name:20}{tally.counts['opened']:10}{tally.counts['refused']:10}{tally.counts['finding']:10}"
            f"{1000 * tally.seconds / total:10.0f}{tally.slowest:10.1f}{tally.peak_bytes / 1e6:10.0f}"
        )
    for key, numbers in sorted(findings.items(), key=lambda item: -len(item[1])):
        print(f"{len(numbers):6} x {key}; input {numbers[0]}")
    print(f"{what}: {sum(map(len, findings.values()))} findings.")


if __name__ == "__main__":
    sys.exit(main())
