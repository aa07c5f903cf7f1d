"""Thin films of a segmentation and of every pixel: fits, their results and files."""
