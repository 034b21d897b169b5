"""Lossless coding of model weights; `codec.py` has the codec."""
