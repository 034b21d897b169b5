"""Features: activations of a layer of a network."""
