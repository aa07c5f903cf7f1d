"""A scatter plot of pictures: hover shows the picture, lasso and legend choose points."""

from ellimaps.ui.components.scatter.scatter import Chosen, Groups, Points, PointThumbnails, Scale, scatter

__all__ = ["Chosen", "Groups", "PointThumbnails", "Points", "Scale", "scatter"]
