"""Lossy coding of sound by a lapped transform; `codec.py` has the codec."""
