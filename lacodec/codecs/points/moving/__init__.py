"""Sweeps of a spinning LiDAR on a moving car, as nuScenes has them: moved to a map, stored as float32, and moved back."""
