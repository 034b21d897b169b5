"""Codec `image.vq`: pictures at the lowest rates, as indices into a book of vectors."""
