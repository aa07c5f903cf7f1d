"""Files that somebody made to do harm, or that broke on the way: every one is opened or refused, at once."""
