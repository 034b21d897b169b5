"""Codecs of sequences of frames."""
