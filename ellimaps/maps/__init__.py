"""Maps: a folder becomes clusters, spectra, films and files."""
