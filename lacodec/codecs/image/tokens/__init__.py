"""Codec `image.tokens`: indices that somebody's model has made of a picture, exactly."""
