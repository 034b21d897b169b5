"""Training of models of codec `image.vq`."""
