"""Lines of a log that a pattern matches, with as little decoded as can be."""
