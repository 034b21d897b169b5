"""Writes the golden files that are missing."""

from tools.golden import write_missing

write_missing()
