"""Arrays of numpy and the files that hold them; `codec.py` has the codec."""

BY_CONTENT = "lacodec.media.arrays.files:ARRAYS"
