"""Image in, image out: corrections of intensities, gaps, spikes, smoothing, lines across a map."""
