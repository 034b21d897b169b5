"""Sweeps of a spinning LiDAR as the sensor measured them: rings, azimuth ticks and ranges. `payload.py` is the entry."""
