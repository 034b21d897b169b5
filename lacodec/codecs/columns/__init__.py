"""Columns of numbers: arrays in, payloads out, and back."""
