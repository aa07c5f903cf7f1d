"""Colours that mean the same in every figure and on every page."""

from __future__ import annotations

# Okabe and Ito's colours first (readable with every common colour blindness), then lighter and darker ones.
CLUSTER_COLORS = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#555555",
    "#003F63", "#8A5F00", "#005C43", "#7A3600", "#7A4864", "#A9D9F4", "#8D8626", "#A8A8A8",
    "#332288", "#DDCC77", "#44AA99", "#882255", "#AA4499", "#88CCEE", "#999933", "#CC6677",
    "#117733", "#661100", "#6699CC", "#AA4466", "#4B7F52", "#222222",
)  # fmt: skip
NO_DATA_COLOR = "#E8E8E8"
