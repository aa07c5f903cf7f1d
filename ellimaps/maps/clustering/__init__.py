"""Clusters of pixels: features, KMeans, and how many there are."""
