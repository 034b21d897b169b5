"""Pictures with loss, each by small networks that are fitted to it alone; `codec.py` has the codec."""
