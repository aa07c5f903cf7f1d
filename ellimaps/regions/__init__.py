"""Label images and the regions in them: as TIFF, for Fiji and for QuPath, out and in."""
