"""What despiking took is counted over measured values only, whatever was cut, binned or missing."""

from __future__ import annotations

import numpy as np
import pytest
from support.stacks import delta_psi

from ellimaps.images.preprocessing import preprocess
from ellimaps.images.spikes import spikes_taken


@pytest.fixture
def stack():
    """Flat maps with a little noise, 5 spikes of Delta, 1 of Psi, and a gap of 12 pixels."""
    rng = np.random.default_rng(0)
    delta, psi = (level + rng.normal(0, 0.1, (40, 60)) for level in (150, 30))
    delta[[5, 10, 15, 20, 25], [7, 14, 21, 28, 35]] += 40
    psi[30, 50] += 20
    delta[34:37, 40:44] = psi[34:37, 40:44] = np.nan
    return delta_psi(delta, psi)


@pytest.mark.parametrize("gaps", ["fill", "exclude"])
def test_spikes_are_counted_and_gaps_are_none(stack, gaps):
    found = spikes_taken(stack, preprocess(stack, despike=20.0, gaps=gaps))
    assert found["taken"].tolist() == [5, 1]
    assert found["measured"].tolist() == [40 * 60 - 12] * 2
    assert found["share"].tolist() == pytest.approx([5 / 2388, 1 / 2388])


def test_nothing_is_taken_without_despiking(stack):
    assert spikes_taken(stack, preprocess(stack))["taken"].sum() == 0
    assert spikes_taken(stack, preprocess(stack, binning=3, roi=(3, 40, 0, 59)))["taken"].sum() == 0


def test_only_what_was_cut_and_binned_counts(stack):
    found = spikes_taken(stack, preprocess(stack, despike=20.0, roi=(0, 12, 0, 60)))
    assert found["taken"].tolist() == [2, 0]
    assert found["measured"].tolist() == [12 * 60] * 2
    binned = spikes_taken(stack, preprocess(stack, despike=20.0, binning=2))
    assert binned["measured"].tolist() == [20 * 30 - 2] * 2
    assert binned["taken"].tolist() == [5, 1]
