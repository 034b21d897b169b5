"""Point clouds; `codec.py` has the codec."""

BY_CONTENT = "lacodec.media.points.files:POINTS"
"""The media of the codec here, for `registry`: a file's codec is found without importing all of them."""
