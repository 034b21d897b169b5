"""Lossy coding of KV caches; `codec.py` has the codec."""
