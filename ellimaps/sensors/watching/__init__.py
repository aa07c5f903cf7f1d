"""A log that is watched: what crosses a limit or is unusual reaches a target, once."""
