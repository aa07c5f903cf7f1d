"""Films behind spectra that no image belongs to: of spots, of regions, of other instruments."""
