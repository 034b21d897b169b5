"""Lossless coding of video; `codec.py` has the codec."""
