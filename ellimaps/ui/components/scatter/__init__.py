"""A scatter plot of pictures: hover shows the picture, lasso and legend choose points."""

from ellimaps.ui.components.scatter.scatter import Groups, Points, Scale, Thumbnails, scatter

__all__ = ["Groups", "Points", "Scale", "Thumbnails", "scatter"]
