"""Quantised weights in layers: any beginning of the file decodes."""
