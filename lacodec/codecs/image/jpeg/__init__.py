"""JPEG files, restored byte for byte; `codec.py` has the codec."""

BY_CONTENT = "lacodec.codecs.image.jpeg.media:JPEGS"
"""The media of the codec here, for `registry`: a file's codec is found without importing all of them."""
