"""Many images or map folders: the same work for each, resumable, in local processes or on a Dask cluster."""
