"""Lossless and error-bounded coding of columns: arrays of one numeric type. `payload.py` is the entry."""
