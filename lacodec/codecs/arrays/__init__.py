"""Arrays of numpy, column by column; `codec.py` has the codec."""
