"""From raw profiles to answers about compounds."""
