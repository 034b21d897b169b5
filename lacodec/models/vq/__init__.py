"""Networks of codec `image.vq`."""
