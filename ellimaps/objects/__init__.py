"""Objects in fluorescence images: detect, measure, control the quality."""
