"""Codec `image.walloc`: pictures with loss, by a wavelet packet and one linear layer."""
