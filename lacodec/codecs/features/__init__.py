"""Codec `features`: activations of a layer of a network, with loss."""
