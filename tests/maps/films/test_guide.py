"""The documentation's way from one's own arrays to a fitted map runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import ROOT


def test_from_arrays_to_a_fitted_map(tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture[str]) -> None:
    guide = (ROOT / "docs" / "thickness.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", guide.partition("## From your own arrays")[2], re.DOTALL)[:1]
    assert len([line for line in code.splitlines() if line.strip()]) <= 11
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "thickness.md", "exec"), {})
    median, trusted, noise = map(float, capsys.readouterr().out.split())
    assert median == pytest.approx(120, abs=0.1)
    assert trusted > 0.98
    assert noise == pytest.approx(0.05, rel=0.1)
    assert (tmp_path / "results" / "mine" / "mine_thickness.tif").is_file()
