"""What hashes of numbers in kernels share: multiply by GOLDEN, keep the upper bits."""

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2**64 over the golden ratio, odd: spreads whole numbers evenly over 64 bits (Knuth, The Art of Computer Programming 3, 6.4)."""
