"""Vectors: the value (`value`), and the files that hold them (`files`)."""
