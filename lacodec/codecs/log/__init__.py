"""Logs, restored byte for byte and searched where they lie; `codec.py` has the codec."""

BY_CONTENT = "lacodec.media.log:LOGS"
"""The media of the codec here, for `registry`: a file's codec is found without importing all of them."""
