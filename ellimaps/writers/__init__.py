"""Writers: images leave in the formats that other programs read, a format per file."""
