"""Pretrained networks as measures of images (extra ``deep``); weights come from files, none is downloaded."""

from ellimaps.deep.backbones import BACKBONES, Backbone, load_backbone
from ellimaps.deep.penultimate import channel_limits, penultimate

__all__ = ["BACKBONES", "Backbone", "channel_limits", "load_backbone", "penultimate"]
