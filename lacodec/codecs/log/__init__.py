"""Logs, restored byte for byte; `codec.py` has the codec."""
