"""A scatter plot of pictures: hover shows the picture, lasso and legend choose points."""

from ellimaps.ui.components.scatter.scatter import Groups, Points, PointThumbnails, Scale, scatter

__all__ = ["Groups", "PointThumbnails", "Points", "Scale", "scatter"]
