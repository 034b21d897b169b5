"""Codec `audio.walloc`: stereo sound with loss, by a wavelet packet and one linear layer."""
