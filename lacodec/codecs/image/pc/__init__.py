"""Codec `image.pc`: sets of small pictures, without loss, by a trained circuit."""
